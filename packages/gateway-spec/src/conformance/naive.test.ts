/** Runs the kit against a short, naive server, for violations that cannot be made by wrapping a correct server. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Exchange, Handler, HeaderFields, Serve } from "../index.ts";
import { cases, ConformanceError, runCase } from "./index.ts";

/** It reads the whole content first, does not check the response, sends errors to the client, and has no shutdown. */
const serveNaive: Serve = async (application) => {
  const fetch = (typeof application === "function" ? application : application.fetch) as Handler;
  const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const disconnecting = new AbortController();
    req.on("close", () => {
      disconnecting.abort();
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of req) pieces.push(piece as Uint8Array);
    const request = {
      method: req.method ?? "GET",
      url: `http://${req.headers.host}${req.url}`,
      headers: new Headers(req.headers as Record<string, string>),
      body: pieces.length === 0 ? null : ReadableStream.from(pieces),
      signal: disconnecting.signal,
    };
    const exchange: Exchange = {
      target: req.url ?? "/",
      protocol: "1.1",
      encrypted: false,
      remoteAddress: { transport: "tcp", hostname: String(req.headers["x-forwarded-for"] ?? "127.0.0.1"), port: 0 },
      peerAddress: null,
      localAddress: null,
      tls: null,
      state: undefined,
      draining: new AbortController().signal,
      completed: Promise.resolve(),
      waitUntil: (work) => {
        work.catch(() => undefined);
      },
    };
    const { status, headers = {}, body } = await fetch(request, exchange);
    res.statusCode = status;
    res.setHeader("content-type", "text/html");
    for (const [name, value] of Object.entries(toRecord(headers))) res.setHeader(name, value);
    for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) res.write(piece);
    res.end();
  };
  const server = createServer((req, res) => {
    listener(req, res).catch((error: unknown) => {
      if (!res.headersSent) res.statusCode = 500;
      res.end(String(error));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
  };
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  return { address, url: `http://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close };
};

function toRecord(headers: HeaderFields): Readonly<Record<string, string>> {
  return Object.fromEntries(Symbol.iterator in headers ? headers : Object.entries(headers)) as Record<string, string>;
}

test.each([
  "request-body-chunked",
  "request-body-backpressure",
  "continue-on-first-pull",
  "request-body-truncated",
  "unread-body-drained",
  "unread-body-closes",
  "connection-fields-not-sent",
  "no-content-204",
  "no-content-205",
  "no-content-304",
  "body-kinds",
  "bad-chunk-truncates",
  "content-length-too-long",
  "content-length-too-short",
  "stuck-body-released",
  "address-members",
  "malformed-request",
  "stalled-upload",
  "slow-handler",
  "lifespan-order",
  "shutdown-deadline",
  "drain-refuses-connections",
  "drain-finishes-running",
  "drain-ends-event-stream",
])("a naive server fails %s", async (name) => {
  const one = cases.find((candidate) => candidate.name === name);
  if (one === undefined) throw new Error(`unknown case "${name}"`);
  // A short deadline, because many of these cases wait for what never happens.
  const outcome = await runCase({ ...one, deadlineMs: 300 }, { serve: serveNaive });
  expect(outcome).toMatchObject({ kind: "failed", error: expect.any(ConformanceError) as ConformanceError });
});
