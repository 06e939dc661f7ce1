/** How the node server checks a head: what it relies on node's parser for, and its fast check beside the plain one. */
import { createServer, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { DEFAULT_HEAD_LIMITS } from "../src/http1/index.ts";
import { FORBIDDEN_IN_VALUE, TOKEN } from "../src/http1/grammar.ts";
import { fastCheck } from "../src/node-http/fast-check.ts";
import { asReceived, HeadChecker } from "../src/node-http/request-head.ts";
import { outcome } from "./head-outcome.ts";
import { randomRequests, seededRandom } from "./random-requests.ts";
import { WIRE_CASES } from "./wire-cases.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

/** @returns a function that gives the requests which node's parser emits for the bytes of one connection. */
function nodeReader(): (bytes: Buffer) => IncomingMessage[] {
  let requests: IncomingMessage[] = [];
  const maxHeaderSize = DEFAULT_HEAD_LIMITS.maxHeadBytes;
  const server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize });
  server.maxHeadersCount = 0;
  for (const event of ["request", "checkContinue", "checkExpectation", "connect", "upgrade"]) {
    server.on(event, (request: IncomingMessage) => void requests.push(request));
  }
  server.on("clientError", () => undefined);
  return (bytes) => {
    requests = [];
    const connection = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    connection.on("error", () => undefined);
    server.emit("connection", connection);
    connection.push(bytes);
    // A stream that holds bytes gives them to the parser at once.
    connection.read();
    connection.destroy();
    return requests;
  };
}

const received = nodeReader();

const random = seededRandom(SEED);
const SENT = [
  ...WIRE_CASES.map(({ bytes }) => bytes),
  ...Array.from({ length: 4000 }, () => Buffer.from(randomRequests(random), "latin1")),
];

test(`the fast check accepts only heads that the parser accepts, with the same length (seed ${SEED})`, () => {
  const requests = SENT.flatMap(received);
  for (const limits of [DEFAULT_HEAD_LIMITS, { maxHeadBytes: 60, maxTargetBytes: 8, maxFields: 3 }]) {
    const checks = requests.map((request) => [asReceived(request), fastCheck(request, limits)]);
    const accepted = checks.filter(([, length]) => length !== null);
    expect(accepted.length).toBeGreaterThan(100);
    expect(accepted.length).toBeLessThan(checks.length);
    const heads = new HeadChecker(limits);
    expect(accepted).toEqual(accepted.map(([text]) => [text, outcome(() => heads.parse(String(text)))]));
  }
});

test.each([
  ["a plain GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0],
  ["a query", "GET /a?b=c&d HTTP/1.1\r\nhost: a:80\r\nExcept: x\r\n\r\n", 0],
  ["content", "POST / HTTP/1.1\r\nHOST: 127.0.0.1:50123\r\ncontent-LENGTH: 12\r\n\r\n", 12],
  ["a last request", "GET / HTTP/1.1\r\nHost: www.example.com\r\nConnection: close\r\n\r\n", 0],
])("the fast check is enough for %s", (_name, head, length) => {
  const [request] = received(Buffer.from(head));
  if (request === undefined) throw new Error("Node refused it");
  expect(fastCheck(request, DEFAULT_HEAD_LIMITS)).toBe(length);
});

test(`the fast check accepts only a Host that the parser accepts (seed ${SEED})`, () => {
  const parts = ["a", "b-", "x", "xn--", "XN--", ".", ":", "0", "1", "09", "255", "256", "127", "80", "65535", "99999"];
  const [template] = received(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  if (template === undefined) throw new Error("Node refused it");
  const heads = new HeadChecker(DEFAULT_HEAD_LIMITS);
  let accepted = 0;
  for (let i = 0; i < 20_000; i++) {
    const host = Array.from({ length: 1 + random.below(8) }, () => random.pick(parts));
    template.rawHeaders[1] = host.join("");
    if (fastCheck(template, DEFAULT_HEAD_LIMITS) === null) continue;
    accepted++;
    expect([template.rawHeaders[1], outcome(() => heads.parse(asReceived(template)))]).toEqual([
      template.rawHeaders[1],
      0,
    ]);
  }
  expect(accepted).toBeGreaterThan(100);
});

test("node's parser accepts no character that a field name or value may not have", () => {
  const positions = ["", "x", "y: ", "y: z"];
  const fields = positions.flatMap((before) =>
    Array.from(
      { length: 256 },
      (_, byte) => `${before}${String.fromCharCode(byte)}${before.includes(":") ? "" : "x: y"}`,
    ),
  );
  let seen = 0;
  for (const field of fields) {
    for (const { rawHeaders } of received(Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`, "latin1"))) {
      seen++;
      expect(rawHeaders.filter((text, index) => index % 2 === 0 && !TOKEN.test(text))).toEqual([]);
      expect(rawHeaders.filter((text, index) => index % 2 === 1 && FORBIDDEN_IN_VALUE.test(text))).toEqual([]);
    }
  }
  expect(seen).toBeGreaterThan(256);
});
