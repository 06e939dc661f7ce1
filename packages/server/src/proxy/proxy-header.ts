/**
 * The header that a proxy sends before the bytes of its client: the PROXY protocol, version 1 and 2
 * (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt). Pure: bytes in, the address of the client out.
 */
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import type { Address } from "@tsgi/gateway-spec";
import { tcpAddress } from "@tsgi/gateway-spec/server-kit";

export interface ProxyHeader {
  /** Of the header, in bytes: what follows is the client's. */
  readonly length: number;
  /** `null` where the proxy names no client (`UNKNOWN`, `LOCAL`): the peer is the client then, a health check for one. */
  readonly client: Address | null;
}

/** The bytes are no header of the PROXY protocol. */
export class ProxyHeaderError extends Error {
  override readonly name = "ProxyHeaderError";
}

/** §2.1: "the maximum line lengths the receiver must support including the CRLF". */
const MAX_LINE_BYTES = 107;

/**
 * Longest header of version 2. Its length field allows 65,551; addresses need 232 at most, and the rest are additional fields (TLVs),
 * which are skipped. We choose: §2.2 asks receivers to accept 536.
 */
const MAX_BINARY_BYTES = 4096;

const LINE_START = Buffer.from("PROXY ", "latin1");
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** The signature, the version with the command, the family with the protocol, and the length of what follows. */
const BINARY_START_BYTES = 16;

/** The protocols of §2.2 that a stream can have, with the length of their addresses. */
const UNSPECIFIED = 0x00;
const TCP4 = { code: 0x11, bytes: 12 } as const;
const TCP6 = { code: 0x21, bytes: 36 } as const;
const UNIX = { code: 0x31, bytes: 216 } as const;

/**
 * @param bytes all that the connection has sent so far.
 * @returns `null` where they may be the beginning of a header.
 * @throws ProxyHeaderError where they are not.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | null {
  if (startsAlike(bytes, LINE_START)) return parseLine(bytes);
  if (startsAlike(bytes, SIGNATURE)) return parseBinary(bytes);
  throw new ProxyHeaderError("the connection does not begin with a PROXY header");
}

function startsAlike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

/** §2.1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, or `PROXY UNKNOWN` and anything. */
function parseLine(bytes: Buffer): ProxyHeader | null {
  const end = bytes.subarray(0, MAX_LINE_BYTES).indexOf("\r\n");
  if (end === -1) {
    if (bytes.length < MAX_LINE_BYTES) return null;
    throw new ProxyHeaderError(`the PROXY line is longer than ${MAX_LINE_BYTES} bytes`);
  }
  const line = bytes.toString("latin1", 0, end);
  const length = end + 2;
  if (/^PROXY UNKNOWN(?: [\x20-\x7e]*)?$/.test(line)) return { length, client: null };
  const [, family, source = "", destination = "", port = "", toPort = ""] = LINE.exec(line) ?? [];
  const isAddress = family === "TCP4" ? isIPv4 : isIPv6;
  const isValid = isAddress(source) && isAddress(destination) && Number(port) <= 65_535 && Number(toPort) <= 65_535;
  if (family === undefined || !isValid) throw new ProxyHeaderError("the PROXY line is malformed");
  return { length, client: tcpAddress(normalized(source), Number(port)) };
}

const LINE = /^PROXY (TCP4|TCP6) ([\d.a-fA-F:]+) ([\d.a-fA-F:]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;

/** §2.2. Destination and additional fields are skipped; a checksum (PP2_TYPE_CRC32C) is not verified. */
function parseBinary(bytes: Buffer): ProxyHeader | null {
  const command = bytes[12];
  if (command !== undefined && command !== 0x20 && command !== 0x21) {
    throw new ProxyHeaderError("the PROXY header has an unknown version or command");
  }
  if (bytes.length < BINARY_START_BYTES) return null;
  const length = BINARY_START_BYTES + bytes.readUInt16BE(14);
  if (length > MAX_BINARY_BYTES)
    throw new ProxyHeaderError(`the PROXY header is longer than ${MAX_BINARY_BYTES} bytes`);
  if (bytes.length < length) return null;
  const client = command === 0x20 ? null : readAddress(bytes[13], bytes.subarray(BINARY_START_BYTES, length));
  return { length, client };
}

function readAddress(protocol: number | undefined, addresses: Buffer): Address | null {
  switch (protocol) {
    case UNSPECIFIED:
      return null;
    case TCP4.code:
      requireBytes(addresses, TCP4.bytes);
      return tcpAddress(addresses.subarray(0, 4).join("."), addresses.readUInt16BE(8));
    case TCP6.code: {
      requireBytes(addresses, TCP6.bytes);
      const groups = Array.from({ length: 8 }, (_, i) => addresses.readUInt16BE(2 * i).toString(16));
      return tcpAddress(normalized(groups.join(":")), addresses.readUInt16BE(32));
    }
    case UNIX.code: {
      requireBytes(addresses, UNIX.bytes);
      const end = addresses.subarray(0, 108).indexOf(0);
      return { transport: "unix", path: addresses.toString("utf8", 0, end === -1 ? 108 : end) };
    }
    case undefined:
    default:
      throw new ProxyHeaderError("the PROXY header names a protocol that is no stream");
  }
}

function requireBytes(addresses: Buffer, count: number): void {
  if (addresses.length < count) throw new ProxyHeaderError("the PROXY header is too short for its addresses");
}

/** As the system writes it: `2001:db8::1`. */
function normalized(address: string): string {
  return new SocketAddress({ address, family: isIPv4(address) ? "ipv4" : "ipv6" }).address;
}
