/** How the node server checks a head of HTTP/2: what it relies on nghttp2 for, and its fast check beside the plain one. */
import type { IncomingMessage } from "node:http";
import { createServer, type ServerHttp2Session } from "node:http2";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { DEFAULT_HEAD_LIMITS } from "../src/http1/index.ts";
import { FORBIDDEN_IN_VALUE, TOKEN } from "../src/http1/grammar.ts";
import { fastCheckHttp2 } from "../src/node-http/fast-check.ts";
import { asHttp1, HeadChecker } from "../src/node-http/request-head.ts";
import { outcome } from "./head-outcome.ts";
import { seededRandom } from "./random-requests.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

type Field = readonly [name: string, value: string];

const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const END_HEADERS = 4;

/** Heads on one connection: nghttp2 closes it after too many that are malformed. */
const BATCH = 100;

/** @returns the requests that node:http2 emits for these heads: nghttp2 refuses the others. */
async function received(heads: readonly (readonly Field[])[]): Promise<IncomingMessage[]> {
  const requests: IncomingMessage[] = [];
  for (let start = 0; start < heads.length; start += BATCH) {
    requests.push(...(await receivedOnOne(heads.slice(start, start + BATCH))));
  }
  return requests;
}

async function receivedOnOne(heads: readonly (readonly Field[])[]): Promise<IncomingMessage[]> {
  const requests: IncomingMessage[] = [];
  const server = createServer();
  for (const event of ["request", "checkContinue", "checkExpectation", "connect"]) {
    server.on(event, (request: IncomingMessage) => void requests.push(request));
  }
  const { promise, resolve } = Promise.withResolvers<ServerHttp2Session>();
  server.on("session", (session) => {
    session.on("error", () => undefined);
    // Node emits the requests in process.nextTick.
    session.on("ping", () => setImmediate(resolve, session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
  });
  const connection = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  server.emit("connection", connection);
  connection.push("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  connection.push(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  for (const [index, fields] of heads.entries()) {
    connection.push(frame(HEADERS, END_HEADERS, 2 * index + 1, Buffer.concat(fields.map(literal))));
  }
  connection.push(frame(PING, 0, 0, Buffer.alloc(8)));
  (await promise).destroy();
  return requests;
}

/** RFC 9113 §4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541 §6.2.2: a literal field without indexing, its name and value without Huffman coding. */
function literal([name, value]: Field): Buffer {
  return Buffer.concat([
    Buffer.of(0),
    ...[name, value].flatMap((text) => [lengthOf(text), Buffer.from(text, "latin1")]),
  ]);
}

/** RFC 7541 §5.1: an integer with a prefix of seven bits, here below 255. */
function lengthOf({ length }: string): Buffer {
  return length < 127 ? Buffer.of(length) : Buffer.of(127, length - 127);
}

const PLAIN: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", "a"],
  [":path", "/"],
];

test(`the fast check accepts only heads of HTTP/2 that the parser accepts, with the same length (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const parts = ["a", "b-", "xn--", ".", ":", "0", "09", "255", "256", "127", "80", "65535", "[::1]", "%2f", "@"];
  const authority = () => Array.from({ length: 1 + random.below(4) }, () => random.pick(parts)).join("");
  const methods = ["POST", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get", "G".repeat(33), "G:"];
  const paths = ["/a?b=c", "*", "//a", "/a\\b", "/#", "/\u00e9", "https://b/", "a", "/".repeat(9)];
  const names = ["host", "content-length", "expect", "accept", "cookie", "te", "x-abcdefghijklmno"];
  const values = ["", "0", "1", "01", "12", "+1", "1, 1", "99999999999999999", "100-continue", "a", "x".repeat(30)];
  const usually = <T>(usual: T, others: readonly T[]): T => (random.once(4) ? random.pick(others) : usual);
  const heads = Array.from({ length: 3000 }, (): Field[] => [
    [":method", usually("GET", methods)],
    [":scheme", usually("https", ["http", "HTTPS"])],
    ...(random.once(16) ? [] : [[":authority", random.once(2) ? "a" : authority()] as const]),
    [":path", usually("/", paths)],
    ...Array.from({ length: random.below(4) }, (): Field => [
      random.pick(names),
      random.once(4) ? authority() : random.pick(values),
    ]),
  ]);
  const requests = await received(heads);
  for (const limits of [DEFAULT_HEAD_LIMITS, { maxHeadBytes: 100, maxTargetBytes: 8, maxFields: 6 }]) {
    const checked = new HeadChecker(limits);
    const checks = requests.map((request) => ({ request, length: fastCheckHttp2(request, limits) }));
    const accepted = checks.filter(({ length }) => length !== null);
    expect(accepted.length).toBeGreaterThan(100);
    expect(accepted.length).toBeLessThan(checks.length);
    for (const { request, length } of accepted) {
      expect(request.headers[":scheme"]).toBe("https");
      const text = asHttp1(request);
      expect([text, length]).toEqual([text, outcome(() => checked.parse(text))]);
    }
  }
});

test.each<[string, readonly Field[], number]>([
  ["a plain GET", PLAIN, 0],
  ["content", [[":method", "POST"], ...PLAIN.slice(1), ["content-length", "12"]], 12],
])("the fast check is enough for %s of HTTP/2", async (_name, head, length) => {
  const [request] = await received([head]);
  if (request === undefined) throw new Error("nghttp2 refused it");
  expect(fastCheckHttp2(request, DEFAULT_HEAD_LIMITS)).toBe(length);
});

test("nghttp2 accepts no character that a field name or value may not have", async () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const fields = bytes.flatMap((byte): Field[] => [
    [byte, "y"],
    [`x${byte}`, "y"],
    ["x", byte],
    ["x", `y${byte}z`],
  ]);
  const requests = await received(fields.map((field) => PLAIN.concat([field])));
  expect(requests.length).toBeGreaterThan(256);
  for (const { rawHeaders } of requests) {
    const names = rawHeaders.filter((text, index) => index % 2 === 0 && !text.startsWith(":"));
    expect(names.filter((name) => !TOKEN.test(name) || name !== name.toLowerCase())).toEqual([]);
    expect(rawHeaders.filter((text, index) => index % 2 === 1 && FORBIDDEN_IN_VALUE.test(text))).toEqual([]);
  }
});
