/** Values that go through a client and come back unchanged: signed (readable) or sealed (encrypted too). Keys can be rotated. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

/** The first key signs and seals; all of them verify and unseal. To rotate, put a new key in front and later drop the last. */
export type Keys = readonly [string, ...string[]];

/** 32 characters of base64url hold 192 random bits. */
const MIN_KEY_CHARACTERS = 32;

/** Signs values that a client may read, but not change. */
export interface Signer {
  /** The value with a signature behind it: readable by the client, but not changeable. */
  readonly sign: (value: string) => string;
  /** The value, or `null` where the signature is not ours. */
  readonly verify: (signed: string) => string | null;
}

/** Encrypts values that a client may neither read nor change. */
export interface Sealer {
  /** The value encrypted and authenticated with AES-256-GCM. Each call gives another text. */
  readonly seal: (value: string) => string;
  /** The value, or `null` where the text was not sealed with one of the keys. */
  readonly unseal: (sealed: string) => string | null;
}

/**
 * Makes a {@link Signer} with HMAC-SHA256.
 * @param purpose such as a cookie's name: what was signed for one purpose is not valid for another.
 * @throws TypeError for a key of fewer than 32 characters.
 */
export function createSigner(keys: Keys, purpose: string): Signer {
  const derived = deriveAll(keys, `sign ${purpose}`);
  return {
    sign: (value) => `${value}.${signature(derived[0], value).toString("base64url")}`,
    verify: (signed) => {
      const dot = signed.lastIndexOf(".");
      if (dot === -1) return null;
      const value = signed.slice(0, dot);
      const given = Buffer.from(signed.slice(dot + 1), "base64url");
      const valid = derived.some((key) => {
        const expected = signature(key, value);
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
      return valid ? value : null;
    },
  };
}

function signature(key: Buffer, value: string): Buffer {
  return createHmac("sha256", key).update(value).digest();
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Makes a {@link Sealer} with AES-256-GCM and a random nonce for each value.
 * @param purpose such as a cookie's name: what was sealed for one purpose does not open for another.
 * @throws TypeError for a key of fewer than 32 characters.
 */
export function createSealer(keys: Keys, purpose: string): Sealer {
  const derived = deriveAll(keys, `seal ${purpose}`);
  return {
    seal: (value) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", derived[0], nonce);
      const content = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString("base64url");
    },
    unseal: (sealed) => {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      for (const key of derived) {
        const value = decrypt(key, bytes);
        if (value !== null) return value;
      }
      return null;
    },
  };
}

function decrypt(key: Buffer, bytes: Buffer): string | null {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const content = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(content), decipher.final()]).toString("utf8");
  } catch {
    return null;
  }
}

/** One key for each purpose, so that a text of one is never valid as another (RFC 5869). */
function deriveAll(keys: Keys, purpose: string): readonly [Buffer, ...Buffer[]] {
  const [first, ...others] = keys.map((key) => {
    if (key.length < MIN_KEY_CHARACTERS) {
      throw new TypeError(
        `A key has ${key.length} characters and needs at least ${MIN_KEY_CHARACTERS}: create one with ` +
          `node -p "require('node:crypto').randomBytes(32).toString('base64url')"`,
      );
    }
    return Buffer.from(hkdfSync("sha256", key, "", `tsgi ${purpose}`, 32));
  });
  if (first === undefined) throw new TypeError("Give at least one key");
  return [first, ...others];
}
