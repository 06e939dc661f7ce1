/** How the node server looks at a head: what it leaves to node's parser, and its fast path beside the plain one. */
import { createServer, type IncomingMessage, type ServerOptions } from "node:http";
import { Duplex } from "node:stream";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { DEFAULT_HEAD_LIMITS, RequestError } from "../src/http1/index.ts";
import { FORBIDDEN_IN_VALUE, TOKEN } from "../src/http1/text.ts";
import { asReceived, HeadChecker, UNSURE } from "../src/node-http/request-head.ts";
import { LateRecordRequest, receive } from "../src/node-http/request.ts";
import { randomRequests, seededRandom } from "./random-requests.ts";
import { WIRE_CASES } from "./wire-cases.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

/** A reader of what was sent on one connection: the requests that node's parser hands over of it. */
function reader(options: ServerOptions): (bytes: Buffer) => IncomingMessage[] {
  let requests: IncomingMessage[] = [];
  const maxHeaderSize = DEFAULT_HEAD_LIMITS.maxHeadBytes;
  const server = createServer({ insecureHTTPParser: false, requireHostHeader: false, maxHeaderSize, ...options });
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
    // What waits in a stream goes to node's parser at once.
    connection.read();
    connection.destroy();
    return requests;
  };
}

const received = reader({});
const receivedLate = reader({ IncomingMessage: LateRecordRequest, optimizeEmptyRequests: true });

const random = seededRandom(SEED);
const SENT = [
  ...WIRE_CASES.map(({ bytes }) => bytes),
  ...Array.from({ length: 4000 }, () => Buffer.from(randomRequests(random), "latin1")),
];

test(`heads for which a glance is enough are those that our parser takes, with the same length (seed ${SEED})`, () => {
  const requests = SENT.flatMap(received);
  for (const limits of [DEFAULT_HEAD_LIMITS, { maxHeadBytes: 60, maxTargetBytes: 8, maxFields: 3 }]) {
    const heads = new HeadChecker(limits);
    for (const request of requests) outcome(() => heads.check(request));
    const glances = requests.map((request) => [asReceived(request), heads.glance(request)]);
    const sure = glances.filter(([, length]) => length !== UNSURE);
    expect(sure.length).toBeGreaterThan(100);
    expect(sure.length).toBeLessThan(glances.length);
    expect(sure).toEqual(sure.map(([text]) => [text, outcome(() => new HeadChecker(limits).read(String(text)))]));
  }
});

test.each([
  ["a plain GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0],
  ["a query", "GET /a?b=c&d HTTP/1.1\r\nhost: a:80\r\nExcept: x\r\n\r\n", 0],
  ["content", "POST / HTTP/1.1\r\nHOST: a\r\ncontent-LENGTH: 12\r\n\r\n", 12],
  ["close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0],
])("a glance is enough for %s, once its Host is known", (_name, head, length) => {
  const heads = new HeadChecker(DEFAULT_HEAD_LIMITS);
  const [request] = received(Buffer.from(head));
  if (request === undefined) throw new Error("Node refused it");
  expect([heads.glance(request), heads.check(request), heads.glance(request)]).toEqual([UNSURE, length, length]);
});

test("node lets no character through that a name or a value may not have", () => {
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

test("the late record of fields is that of node", () => {
  const records = (requests: readonly IncomingMessage[]) => requests.map(({ headers }) => ({ ...headers }));
  for (const bytes of SENT) {
    // Of a short head the record is made at once.
    const long = Buffer.from(bytes.toString("latin1").replace("\r\n", `\r\n${"Z: 1\r\n".repeat(5)}`), "latin1");
    expect(records(receivedLate(bytes))).toEqual(records(received(bytes)));
    expect(records(receivedLate(long))).toEqual(records(received(long)));
  }
});

test("the late record answers each question as a record does, first or last", () => {
  const head = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nX-A: 1\r\nX-A: 2\r\nX-B: 3\r\n\r\n");
  const record = () => {
    const [request] = receivedLate(head);
    return request === undefined ? {} : request.headers;
  };
  const node = { host: "a", "content-length": "1", "x-a": "1, 2", "x-b": "3" };
  for (const name of ["host", "content-length", "transfer-encoding", "expect", "x-a", "toString"]) {
    expect([name, name in record(), record()[name]]).toEqual([name, name in node, Reflect.get(node, name)]);
  }
  expect(Object.keys(record())).toEqual(Object.keys(node));
  const changed = record();
  changed["expect"] = "x";
  changed["y"] = "z";
  delete changed["x-a"];
  Object.defineProperty(changed, "v", { value: "w", configurable: true, enumerable: true, writable: true });
  expect("expect" in changed).toBe(true);
  expect({ ...changed }).toEqual({ host: "a", "content-length": "1", "x-b": "3", expect: "x", y: "z", v: "w" });
});

test("a record that was put in its place stays there", () => {
  const [request] = receivedLate(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  if (request !== undefined) request.headers = { host: "b" };
  expect(request?.headers).toEqual({ host: "b" });
});

test("the record of a request that was handed on is node's own to whoever looks at it", () => {
  const head = Buffer.from(
    "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\nCookie: b\r\nCookie: c\r\nSet-Cookie: d\r\n\r\n",
  );
  const [late] = receivedLate(head);
  const [node] = received(head);
  if (late === undefined || node === undefined) throw new Error("Node refused it");
  expect(late.headers["expect"]).toBe(undefined);
  receive(late);
  expect(inspect(late.headers)).toBe(inspect(node.headers));
  expect(JSON.stringify(late.headers)).toBe(JSON.stringify(node.headers));
  expect({ ...late.headers }).toEqual(node.headers);
  expect(late.headersDistinct).toEqual(node.headersDistinct);
  expect(late.headers).toBe(late.headers);
});

function outcome(read: () => number): number | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}
