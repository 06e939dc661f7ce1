/** The kit over TLS: it accepts any certificate, and checks what a server must report over TLS. */
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { toNode } from "../adapters/node/index.ts";
import type { Handler, Logger, Serve, Server } from "../index.ts";
import { closable } from "../server-kit/lifespan.ts";
import { runCommand } from "./command.ts";
import { cases, conformanceApplication, type ConformanceCase, runCase } from "./index.ts";

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
