/**
 * A certificate for development. Node can sign, but cannot write certificates: this writes one kind of X.509 version 3 certificate
 * (RFC 5280 §4.1) as DER.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import type { TlsCertificate } from "./options.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** All browsers accept a little more. */
const VALID_DAYS = 365;

/** @param names host names and addresses beside localhost and its addresses. */
export function selfSigned(names: readonly string[] = []): TlsCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const now = Date.now();
  const commonName = sequence(set(sequence(oid(2, 5, 4, 3), value(UTF8_STRING, "TSGI development"))));
  const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2)); // ecdsa-with-SHA256, RFC 5758 §3.2
  const toBeSigned = sequence(
    value(CONTEXT | 0, value(INTEGER, Buffer.of(2))), // version 3
    value(INTEGER, Buffer.concat([Buffer.of(1), randomBytes(15)])), // serial number, positive
    algorithm,
    commonName,
    sequence(time(now - DAY_MS), time(now + VALID_DAYS * DAY_MS)),
    commonName,
    publicKey.export({ type: "spki", format: "der" }),
    value(CONTEXT | 3, sequence(...extensions(new Set(["localhost", "127.0.0.1", "::1", ...names])))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const certificate = sequence(toBeSigned, algorithm, value(BIT_STRING, Buffer.concat([Buffer.of(0), signature])));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64").replaceAll(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function extensions(names: ReadonlySet<string>): Buffer[] {
  const extension = (id: Buffer, content: Buffer) => sequence(id, value(OCTET_STRING, content));
  const DNS_NAME = 0x82;
  const IP_ADDRESS = 0x87;
  const alternatives = [...names].map((name) =>
    isIPv4(name) || isIPv6(name) ? value(IP_ADDRESS, addressBytes(name)) : value(DNS_NAME, name),
  );
  return [
    extension(oid(2, 5, 29, 19), sequence()), // basic constraints: not an authority
    extension(oid(2, 5, 29, 15), value(BIT_STRING, Buffer.of(7, 0x80))), // key usage: digital signature
    extension(oid(2, 5, 29, 37), sequence(oid(1, 3, 6, 1, 5, 5, 7, 3, 1))), // extended key usage: servers
    extension(oid(2, 5, 29, 17), sequence(...alternatives)), // subject alternative names
  ];
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // The serializer of the URL standard makes one form of all.
  const { hostname } = new URL(`http://[${address.replace(/%.*/, "")}]`);
  const [before = [], after = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const words = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

// DER (ITU-T X.690 §8, §10): a tag, the length of what follows, and that.

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
/** Constructed and context-specific: the number is added. */
const CONTEXT = 0xa0;

function value(tag: number, content: Buffer | string): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const { length } = bytes;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthBytes), bytes]);
}

function sequence(...items: readonly Buffer[]): Buffer {
  return value(SEQUENCE, Buffer.concat(items));
}

function set(...items: readonly Buffer[]): Buffer {
  return value(SET, Buffer.concat(items));
}

/** The first two numbers share a byte; the others have seven bits a byte, the highest first. */
function oid(first: number, second: number, ...others: readonly number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const number of others) {
    const groups = [number & 0x7f];
    for (let rest = number >> 7; rest > 0; rest >>= 7) groups.unshift((rest & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return value(OBJECT_IDENTIFIER, Buffer.from(bytes));
}

/** RFC 5280 §4.1.2.5: up to 2049 with two digits of the year, later with four. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? value(UTC_TIME, digits.slice(2)) : value(GENERALIZED_TIME, digits);
}
