/** The strictness of HTTP/1.1 (strictness.ts), as far as it applies to HTTP/2. */
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from "node:http2";
import type { Handler, OutgoingResponse, Server } from "@tsgi/gateway-spec";
import { afterEach, expect, test } from "vitest";
import { serve } from "../src/node-http/index.ts";
import { selfSigned } from "../src/tls/self-signed.ts";

const tls = selfSigned();
const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const servers: Server[] = [];
const sessions: ClientHttp2Session[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly informational: readonly IncomingHttpHeaders[];
  readonly text: string;
  readonly code: number | undefined;
}

async function ask(handler: Handler, fields: Readonly<Record<string, string>> = {}): Promise<Received> {
  const server = await serve(handler, { logger, tls });
  servers.push(server);
  const session = connect(server.url, { ca: tls.cert });
  sessions.push(session);
  const stream = session.request({ ":path": "/", ...fields });
  let headers: IncomingHttpHeaders = {};
  const informational: IncomingHttpHeaders[] = [];
  let text = "";
  stream.on("error", () => undefined);
  stream.on("headers", (given) => informational.push(given));
  stream.on("response", (given) => (headers = given));
  stream.on("data", (piece: Buffer) => (text += piece.toString()));
  await new Promise((resolve) => stream.once("close", resolve));
  return { headers, informational, text, code: stream.rstCode };
}

test.each(["http", "ftp"])("a request for the scheme %s is refused with 421", async (scheme) => {
  const { headers } = await ask(() => ({ status: 200 }), { ":scheme": scheme });
  expect(headers[":status"]).toBe(421);
});

test("a 205 has Content-Length: 0 and no content; a 1xx has no fields of framing", async () => {
  const { headers, informational, text } = await ask((_request, exchange) => {
    exchange.sendInformational?.(103, { "content-length": "5", "transfer-encoding": "chunked", link: "</a>" });
    return { status: 205, body: "x" };
  });
  expect([headers[":status"], headers["content-length"], text]).toEqual([205, "0", ""]);
  expect(informational.map(({ link, "content-length": length }) => [link, length])).toEqual([["</a>", undefined]]);
});

test.each<[string, () => OutgoingResponse]>([
  ["a body that throws at once", () => ({ status: 200, body: failing() })],
  ["a field value that is not a string", () => ({ status: 200, headers: [["x", 5 as unknown as string]] })],
  ["a field value with CR and LF", () => ({ status: 200, headers: { x: "a\r\nb: c" }, body: pieces("a") })],
])("%s: the response is a 500", async (_name, response) => {
  expect((await ask(response)).headers[":status"]).toBe(500);
});

test("trailers with a field of framing reset the stream", async () => {
  const { code } = await ask(() => ({
    status: 200,
    headers: { trailer: "content-length" },
    body: pieces("a"),
    trailers: () => ({ "content-length": "5" }),
  }));
  expect(code).toBe(constants.NGHTTP2_INTERNAL_ERROR);
});

async function* pieces(...given: string[]): AsyncGenerator<string> {
  await Promise.resolve();
  yield* given;
}

// oxlint-disable-next-line require-yield -- it fails before its first chunk
async function* failing(): AsyncGenerator<string> {
  await Promise.resolve();
  throw new Error("no piece");
}
