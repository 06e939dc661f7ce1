import type { Address } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../test/random-requests.ts";
import { parseProxyHeader, ProxyHeaderError } from "./proxy-header.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
/** The bytes of a client: none of them belongs to the header. */
const REST = Buffer.from("GET / HTTP/1.1\r\n\r\n");

/** A header of version 2. */
function binary(command: number, protocol: number, ...parts: readonly (string | readonly number[] | Buffer)[]): Buffer {
  const addresses = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from(part))),
  );
  const head = Buffer.from(`${SIGNATURE}\0\0\0\0`, "latin1");
  head[12] = command;
  head[13] = protocol;
  head.writeUInt16BE(addresses.length, 14);
  return Buffer.concat([head, addresses]);
}

const tcp = (hostname: string, port: number): Address => ({ transport: "tcp", hostname, port });
const IPV4 = [192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb];
const IPV6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7];
const PORTS = [0xff, 0xff, 0, 80];
const path = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc(108)]).subarray(0, 108);

const VALID: readonly (readonly [name: string, header: Buffer, client: Address | null])[] = [
  ["a line with IPv4", Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), tcp("192.0.2.7", 56_324)],
  ["a line with IPv6", Buffer.from("PROXY TCP6 2001:DB8::01 ::1 1 65535\r\n"), tcp("2001:db8::1", 1)],
  ["a line with an IPv4 address in IPv6", Buffer.from("PROXY TCP6 ::ffff:192.0.2.7 ::1 5 6\r\n"), tcp("192.0.2.7", 5)],
  ["a line of an unknown client", Buffer.from("PROXY UNKNOWN\r\n"), null],
  ["the longest line", Buffer.from(`${"PROXY UNKNOWN ".padEnd(105, "x")}\r\n`), null],
  ["version 2 with IPv4", binary(0x21, 0x11, IPV4), tcp("192.0.2.7", 56_324)],
  ["version 2 with IPv6", binary(0x21, 0x21, IPV6, IPV6, PORTS), tcp("2001:db8::1", 65_535)],
  ["version 2 with an IPv4 address in IPv6", binary(0x21, 0x21, MAPPED, IPV6, PORTS), tcp("192.0.2.7", 65_535)],
  [
    "version 2 with a Unix domain socket",
    binary(0x21, 0x31, path("/run/client"), path("/run/server")),
    { transport: "unix", path: "/run/client" },
  ],
  [
    "version 2 with an unnamed Unix domain socket",
    binary(0x21, 0x31, path(""), path("")),
    { transport: "unix", path: "" },
  ],
  [
    "version 2 with the longest path",
    binary(0x21, 0x31, path("p".repeat(108)), path("")),
    { transport: "unix", path: "p".repeat(108) },
  ],
  [
    "version 2 with additional fields",
    binary(0x21, 0x11, IPV4, [0x02, 0, 3], "a.b", [0x04, 0, 0]),
    tcp("192.0.2.7", 56_324),
  ],
  ["version 2 of an unknown client", binary(0x21, 0x00), null],
  ["version 2 of an unknown client with additional fields", binary(0x21, 0x00, [0x04, 0, 2, 0, 0]), null],
  ["version 2 of the proxy itself", binary(0x20, 0x00), null],
  ["version 2 of the proxy itself with addresses", binary(0x20, 0x11, IPV4), null],
  ["the longest header of version 2", binary(0x21, 0x11, IPV4, Buffer.alloc(4096 - 28)), tcp("192.0.2.7", 56_324)],
];

describe("a header", () => {
  test.each(VALID)("is %s", (_name, header, client) => {
    expect(parseProxyHeader(Buffer.concat([header, REST]))).toEqual({ length: header.length, client });
  });

  test.each(VALID)("is incomplete at each place: %s", (_name, header) => {
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length)), `${length} bytes`).toBeNull();
    }
  });
});

describe("no header", () => {
  const line = (text: string) => Buffer.from(`${text}\r\n`);
  test.each<readonly [string, Buffer, RegExp]>([
    ["a request", REST, /does not begin with a PROXY header/],
    ["another method", Buffer.from("PROXX / HTTP/1.1\r\n"), /does not begin/],
    ["TLS", Buffer.from([0x16, 0x03, 0x01]), /does not begin/],
    ["a line in lower case", line("proxy TCP4 192.0.2.7 192.0.2.8 1 2"), /does not begin/],
    [
      "a line of 108 bytes",
      Buffer.concat([Buffer.from("PROXY UNKNOWN ".padEnd(106, "x")), Buffer.from("\r\n")]),
      /longer than 107/,
    ],
    ["a line without an end", Buffer.from("PROXY UNKNOWN ".padEnd(107, "x")), /longer than 107/],
    ["a line that ends with LF", Buffer.from(`PROXY UNKNOWN\n${"a".repeat(20)}\r\n`), /malformed/],
    ["a line with a control character", line("PROXY UNKNOWN a\tb"), /malformed/],
    ["UNKNOWN with a suffix", line("PROXY UNKNOWNS"), /malformed/],
    ["an unknown family", line("PROXY UDP4 192.0.2.7 192.0.2.8 1 2"), /malformed/],
    ["IPv6 in TCP4", line("PROXY TCP4 ::1 192.0.2.8 1 2"), /malformed/],
    ["IPv4 in TCP6", line("PROXY TCP6 192.0.2.7 ::1 1 2"), /malformed/],
    ["an address with a leading zero", line("PROXY TCP4 192.0.2.07 192.0.2.8 1 2"), /malformed/],
    ["an address of three numbers", line("PROXY TCP4 192.0.2 192.0.2.8 1 2"), /malformed/],
    ["a bad destination", line("PROXY TCP4 192.0.2.7 192.0.2.256 1 2"), /malformed/],
    ["a port beyond 65535", line("PROXY TCP4 192.0.2.7 192.0.2.8 65536 2"), /malformed/],
    ["a port with a leading zero", line("PROXY TCP4 192.0.2.7 192.0.2.8 01 2"), /malformed/],
    ["a missing port", line("PROXY TCP4 192.0.2.7 192.0.2.8 1"), /malformed/],
    ["two spaces", line("PROXY TCP4  192.0.2.7 192.0.2.8 1 2"), /malformed/],
    ["text behind the ports", line("PROXY TCP4 192.0.2.7 192.0.2.8 1 2 x"), /malformed/],
    ["version 1 in the head of version 2", binary(0x11, 0x11, IPV4), /unknown version or command/],
    ["an unknown command", binary(0x22, 0x11, IPV4), /unknown version or command/],
    ["a datagram", binary(0x21, 0x12, IPV4), /no stream/],
    ["an unknown family of version 2", binary(0x21, 0x41, IPV4), /no stream/],
    ["addresses of IPv4 that are cut short", binary(0x21, 0x11, IPV4.slice(1)), /too short/],
    ["addresses of IPv6 that are cut short", binary(0x21, 0x21, IPV6, IPV6, PORTS.slice(1)), /too short/],
    ["paths that are cut short", binary(0x21, 0x31, path("/a")), /too short/],
    ["a header of 4097 bytes", binary(0x21, 0x11, Buffer.alloc(4081)), /longer than 4096/],
  ])("is %s", (_name, bytes, message) => {
    expect(() => parseProxyHeader(bytes)).toThrow(ProxyHeaderError);
    expect(() => parseProxyHeader(bytes)).toThrow(message);
  });

  test("is refused at its first wrong byte", () => {
    expect(parseProxyHeader(Buffer.from("P"))).toBeNull();
    expect(() => parseProxyHeader(Buffer.from("PU"))).toThrow(ProxyHeaderError);
    expect(parseProxyHeader(Buffer.from("\r\n\r\n"))).toBeNull();
    expect(() => parseProxyHeader(Buffer.from("\r\n\r\nG"))).toThrow(ProxyHeaderError);
  });
});

/** `PROXY_SEED=1` repeats one seed. */
test("mutated headers are refused, incomplete, or read within their bounds, whatever follows them", () => {
  const seed = Number(process.env["PROXY_SEED"] ?? Date.now() % 2 ** 31);
  const random = seededRandom(seed);
  const outcome = (bytes: Buffer) => {
    try {
      return parseProxyHeader(bytes);
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error;
      return "refused";
    }
  };
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(random.pick(VALID)[1]);
    for (let mutations = random.below(4); mutations > 0; mutations--)
      bytes[random.below(bytes.length)] = random.below(256);
    const given = bytes.subarray(0, random.below(bytes.length + 1));
    const context = `PROXY_SEED=${seed}: ${JSON.stringify(given.toString("latin1"))}`;
    const result = outcome(given);
    if (result === "refused") {
      // More bytes do not make it valid.
      expect(outcome(Buffer.concat([given, REST])), context).toBe("refused");
    } else if (result !== null) {
      expect(result.length, context).toBeLessThanOrEqual(given.length);
      expect(outcome(Buffer.concat([given, REST])), context).toEqual(result);
      expect(outcome(given.subarray(0, result.length)), context).toEqual(result);
      expect(outcome(given.subarray(0, result.length - 1)), context).toBeNull();
    }
  }
});
