/** Password hashes: scrypt (RFC 7914) with a salt each, in a text that names its own parameters. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** OWASP's second recommendation for scrypt: N = 2^16, r = 8, p = 2 takes 64 MiB, and 0.35 s on a core of a Xeon server. */
const COST: Cost = { N: 2 ** 16, r: 8, p: 2 };
interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** The longest password that is hashed, in UTF-8 bytes: beyond it a client could make the server hash megabytes. */
const MAX_PASSWORD_BYTES = 1024;

/** `$scrypt$ln=16,r=8,p=2$<salt>$<hash>`, base64 without padding (the PHC string format). */
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]+)\$([\w+/-]+)$/;

/**
 * A text for the database, about 100 characters. Each call takes another salt.
 * @throws RangeError for a password of more than 1,024 bytes.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, COST);
  return `$scrypt$ln=${Math.log2(COST.N)},r=${COST.r},p=${COST.p}$${encode(salt)}$${encode(hash)}`;
}

/**
 * Whether the password is the one that was hashed. Where no such user exists, pass `null`: the work takes the same time, and its
 * duration does not reveal which names exist.
 * @throws TypeError for a hash that {@link hashPassword} did not write.
 */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
  if (hash === null) {
    await derive(password, Buffer.alloc(SALT_BYTES), HASH_BYTES, COST);
    return false;
  }
  const [, ln, r, p, salt, expected] = FORMAT.exec(hash) ?? [];
  if (salt === undefined || expected === undefined) {
    throw new TypeError(
      "The stored password hash is not in the format of hashPassword(): $scrypt$ln=…,r=…,p=…$salt$hash",
    );
  }
  const known = Buffer.from(expected, "base64");
  const given = await derive(password, Buffer.from(salt, "base64"), known.length, {
    N: 2 ** Number(ln),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(given, known);
}

function derive(password: string, salt: Buffer, bytes: number, cost: Cost): Promise<Buffer> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw new RangeError(`A password has at most ${MAX_PASSWORD_BYTES} bytes`);
  }
  // NFC: the same letters typed on another keyboard are the same password (RFC 8265 §4.2.2). scrypt needs 128 × N × r bytes.
  const options = { ...cost, maxmem: 256 * cost.N * cost.r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, bytes, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}

function encode(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
