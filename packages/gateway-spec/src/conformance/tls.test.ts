/** The kit over TLS and over HTTP/2: it accepts any certificate, and finds what a server does wrong there. */
import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { toNode } from "../adapters/node/index.ts";
import type { Exchange, Handler, IncomingRequest, Logger, Serve, Server } from "../index.ts";
import { closable } from "../server-kit/lifespan.ts";
import { runCommand } from "./command.ts";
import {
  cases,
  ConformanceError,
  conformanceApplication,
  type ConformanceCase,
  runCase,
  runConformance,
} from "./index.ts";

/** Self-signed, valid until 2126: `openssl req -x509 -newkey ec -nodes -days 36500`. */
const CERTIFICATE = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBjTCCATOgAwIBAgIUbgNdfUpllIQFAer9a8URKrJ6sh4wCgYIKoZIzj0EAwIw
GzEZMBcGA1UEAwwQVFNHSSBjb25mb3JtYW5jZTAgFw0yNjExMjEwNDU1MTdaGA8y
MTI2MTAyODA0NTUxN1owGzEZMBcGA1UEAwwQVFNHSSBjb25mb3JtYW5jZTBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABInTnXQqXpc1eMj3n3cH8I5cgnC6UYIXAfJu
iXitHIYIq9zklPuFk35fMr1w1qgAr8cp10PkpADez6qkSmhNqc2jUzBRMB0GA1Ud
DgQWBBTn1N9wAjoGktaUZuSwWp5eOjlpWzAfBgNVHSMEGDAWgBTn1N9wAjoGktaU
ZuSwWp5eOjlpWzAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCW
EHVwt8ZUvHuTPuU5QWwU/jNQ4Tx6p6E2E7DGgLCsTQIgdb3LQTTq0DTJ8seUZUg9
Baju1IMYuEYvWYZx8tMp02s=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5JMb4sv/s3lF7Sht
YexztoVXZYE7dXNwn20kj5YiG+uhRANCAASJ0510Kl6XNXjI9593B/COXIJwulGC
FwHybol4rRyGCKvc5JT7hZN+XzK9cNaoAK/HKddD5KQA3s+qpEpoTanN
-----END PRIVATE KEY-----
`,
};

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** `toNode` on node:https. */
const serve: Serve = async (application) => {
  const server = createServer(CERTIFICATE, toNode(application, { logger: QUIET })).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  return { address, url: `https://127.0.0.1:${port}/`, ...closable(close) };
};

/** A server that does not know that its connection is encrypted. */
const serveUnaware: Serve = (application, options) => {
  const fetch = (typeof application === "function" ? application : application.fetch) as Handler;
  return serve(({ method, url, headers, body, signal }, exchange) => {
    return fetch({ method, url: url.replace("https:", "http:"), headers, body, signal }, exchange);
  }, options);
};

const requestUrl = cases.find(({ name }) => name === "request-url") as ConformanceCase;

test("the kit speaks TLS to a server whose url has the scheme https, and expects that scheme in request.url", async () => {
  expect(await runCase(requestUrl, { serve })).toEqual({ kind: "passed" });
  expect(await runCase(requestUrl, { serve: serveUnaware })).toMatchObject({
    kind: "failed",
    error: { message: expect.stringContaining("expected [ 'https://") as string },
  });
});

test("the cases of late errors and truncated connections pass over TLS too", async () => {
  for (const name of ["late-error-truncates", "request-body-truncated", "completed-rejects"]) {
    const one = cases.find((candidate) => candidate.name === name) as ConformanceCase;
    expect([name, await runCase(one, { serve })]).toEqual([name, { kind: "passed" }]);
  }
});

test("the command speaks TLS to an address with the scheme https", async () => {
  const server = await serve(conformanceApplication);
  servers.push(server);
  const run = async (address: string) => {
    let printed = "";
    const out = (text: string) => void (printed += text);
    const code = await runCommand([address, "--filter", "request-url"], { out, err: out });
    return { code, printed };
  };
  expect(await run(server.url)).toEqual({ code: 0, printed: "passed   request-url\n1 passed, 0 failed, 0 skipped\n" });
  expect(await run(server.url.replace("https:", "http:"))).toMatchObject({ code: 2 });
});

type Http2Listener = (req: Http2ServerRequest, res: Http2ServerResponse) => void;

/** A listener on node:http2, for clients of both protocols. @param onConnection gets a request that no client has sent. */
async function listenHttp2(
  listener: Http2Listener,
  onConnection: (request: IncomingRequest) => void = () => undefined,
): Promise<Server> {
  const server = createSecureServer({ ...CERTIFICATE, allowHTTP1: true }, listener).listen(0, "127.0.0.1");
  server.on("session", () => {
    const url = "https://localhost/malformed-stream/r00000000";
    onConnection({ method: "GET", url, headers: new Headers(), body: null, signal: new AbortController().signal });
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => void server.close();
  const address = { transport: "tcp", hostname: "127.0.0.1", port } as const;
  return { address, url: `https://127.0.0.1:${port}/`, ...closable(close) };
}

/** `toNode` on node:http2. */
const serveHttp2: Serve = (application) => {
  return listenHttp2(toNode(application, { logger: QUIET }) as unknown as Http2Listener);
};

describe("over HTTP/2", () => {
  test("a case that has a meaning there runs twice, and each report says so", async () => {
    const results: unknown[] = [];
    const chosen = cases.filter(({ name }) =>
      ["request-url", "pipelining-order", "streams-out-of-order"].includes(name),
    );
    for await (const { case: one, protocol, outcome } of runConformance({ serve: serveHttp2 }, chosen)) {
      results.push([one.name, protocol, outcome.kind]);
    }
    expect(results).toEqual([
      ["request-url", "http/1.1", "passed"],
      ["request-url", "h2", "passed"],
      ["pipelining-order", "http/1.1", "passed"],
      ["streams-out-of-order", "h2", "passed"],
    ]);
    const server = await serveHttp2(conformanceApplication);
    servers.push(server);
    const run = async (filter: string, format: string) => {
      let printed = "";
      const out = (text: string) => void (printed += text);
      await runCommand([server.url, "--filter", filter, "--format", format], { out, err: out });
      return printed;
    };
    expect(await run("request-url", "plain")).toBe(
      "passed   request-url\npassed   request-url (h2)\n2 passed, 0 failed, 0 skipped\n",
    );
    expect(await run("request-url (h2)", "junit")).toContain(' name="request-url (h2): the URL is absolute');
    expect(await run("request-url (h2)", "tap")).toContain("ok 1 - request-url (h2): the URL is absolute");
    expect(JSON.parse(await run("request-url (h2)", "json"))).toMatchObject({
      passed: 1,
      cases: [{ name: "request-url", protocol: "h2", outcome: "passed" }],
    });
  });

  test("a server that does not select it is asked for nothing over it", async () => {
    const protocols = [];
    for await (const { protocol } of runConformance({ serve }, [requestUrl])) protocols.push(protocol);
    expect(protocols).toEqual(["http/1.1"]);
    const only = cases.filter(({ http2 }) => http2 === "only");
    for (const one of only) expect(await runCase(one, { serve })).toMatchObject({ kind: "skipped" });
    const server = await serve(conformanceApplication);
    servers.push(server);
    let printed = "";
    const code = await runCommand([server.url, "--filter", "(h2)"], {
      out: () => undefined,
      err: (text) => (printed += text),
    });
    expect([code, printed]).toEqual([2, "tsgi-conformance: the server does not select HTTP/2 by ALPN\n"]);
  });

  /** The naive ways of a listener: it reads all content first, and ends a failed response as if it were complete. */
  const serveNaive: Serve = (application) => {
    const fetch = (typeof application === "function" ? application : application.fetch) as Handler;
    let before = Promise.resolve();
    return listenHttp2((req, res) => {
      const respond = async (previous: Promise<void>): Promise<void> => {
        const pieces: Uint8Array[] = [];
        for await (const piece of req) pieces.push(piece as Uint8Array);
        await previous;
        const gone = new AbortController();
        const request = {
          method: req.method,
          url: `https://${req.authority}${req.url}`,
          headers: new Headers(),
          body: pieces.length === 0 ? null : ReadableStream.from(pieces),
          signal: gone.signal,
        };
        const exchange = { completed: Promise.resolve(), protocol: "2" } as unknown as Exchange;
        try {
          const { status, body } = await fetch(request, exchange);
          res.writeHead(status);
          for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) res.write(piece);
        } catch {
          // This is a violation.
        }
        res.end();
      };
      // Responses of HTTP/2 in the order of the requests.
      const isControl = req.url.includes("/-/");
      const responded = respond(isControl ? Promise.resolve() : before).catch(() => undefined);
      if (!isControl) before = responded;
    });
  };

  test.each([
    "request-body-backpressure",
    "continue-on-first-pull",
    "request-body-truncated",
    "bad-chunk-truncates",
    "content-length-too-short",
    "late-error-truncates",
    "signal-on-disconnect",
    "response-trailers",
    "streams-out-of-order",
    "streams-independent",
  ])("a naive server fails %s", async (name) => {
    const one = cases.find((candidate) => candidate.name === name) as ConformanceCase;
    const outcome = await runCase({ ...one, deadlineMs: 300 }, { serve: serveNaive }, { protocol: "h2" });
    expect(outcome).toMatchObject({ kind: "failed", error: expect.any(ConformanceError) as ConformanceError });
  });

  test("a server that calls a handler before it has checked the request fails malformed-stream", async () => {
    const serveHasty: Serve = async (application) => {
      const fetch = (typeof application === "function" ? application : application.fetch) as Handler;
      const listener = toNode(application, { logger: QUIET }) as unknown as Http2Listener;
      return listenHttp2(listener, (request) => void fetch(request, {} as Exchange));
    };
    const one = cases.find(({ name }) => name === "malformed-stream") as ConformanceCase;
    expect(await runCase(one, { serve: serveHasty })).toMatchObject({
      kind: "failed",
      error: { message: expect.stringContaining("the calls of the handler for ") as string },
    });
  });
});
