/** The kit itself: SPEC.md and the cases name each other, and the case of a rule fails for a server that violates the rule. */
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { toNode } from "../adapters/node/index.ts";
import { closable } from "../server-kit/lifespan.ts";
import { exchangeError } from "../server-kit/refusals.ts";
import { eachField } from "../server-kit/fields.ts";
import type {
  Application,
  Exchange,
  Handler,
  IncomingRequest,
  Logger,
  OutgoingResponse,
  Serve,
  Server,
} from "../index.ts";
import { isWhole, openBody } from "../server-kit/response-body.ts";
import { cases, type ConformanceCase, ConformanceError, runCase } from "./index.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

const spec = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");

/** The case names of each rule in SPEC.md. */
function casesOfSpec(): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, readonly string[]>();
  for (const [, rule = "", text = ""] of spec.matchAll(/^\*\*(TSGI-\d+)\.\*\*(.*?)(?=^\*\*TSGI-|^## )/gms)) {
    const names = /case: ([^*]*)\*/.exec(text)?.[1] ?? "";
    rules.set(rule, names.split(/[,\s]+/).filter(Boolean));
  }
  return rules;
}

describe("SPEC.md and the cases", () => {
  test("have the same case names", () => {
    const named = new Set([...casesOfSpec().values()].flat());
    expect([...named].toSorted()).toEqual(cases.map(({ name }) => name).toSorted());
  });

  test("assign each case to the same rules", () => {
    for (const [rule, names] of casesOfSpec()) {
      for (const name of names) {
        expect([name, cases.find((one) => one.name === name)?.rules]).toEqual([
          name,
          expect.arrayContaining([rule]) as readonly string[],
        ]);
      }
    }
  });
});

/** A server that passes the cases below: `toNode` on node:http. */
const serveRight: Serve = async (application) => {
  const listener = toNode(application, { logger: QUIET });
  await listener.start();
  const server = createServer(listener).on("checkContinue", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await listener.close();
  };
  return {
    address: { transport: "tcp", hostname: "127.0.0.1", port },
    url: `http://127.0.0.1:${port}/`,
    ...closable(close),
  };
};

type Change<T> = { readonly [K in keyof T]?: (value: T) => T[K] };

/** The object with some of its members changed. Methods are called on the original object. */
function change<T extends object>(object: T, changes: Change<T>): T {
  return new Proxy(object, {
    get: (target, key) => {
      const changed = changes[key as keyof T];
      if (changed !== undefined) return changed(target);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A server that changes an application before it runs it. */
function breaking(broken: (application: Application) => Application): Serve {
  return (application, options) => {
    const whole = typeof application === "function" ? { fetch: application } : application;
    return serveRight(broken(whole as Application), options);
  };
}

function breakingFetch(broken: (fetch: Handler) => Handler): Serve {
  return breaking((application) => ({ ...application, fetch: broken(application.fetch) }));
}

const breakingRequest = (changes: Change<IncomingRequest>) =>
  breakingFetch((fetch) => (request, exchange) => fetch(change(request, changes), exchange));

const breakingExchange = (changes: Change<Exchange>) =>
  breakingFetch((fetch) => (request, exchange) => fetch(request, change(exchange, changes)));

const breakingResponse = (
  broken: (response: OutgoingResponse, request: IncomingRequest) => OutgoingResponse | Promise<OutgoingResponse>,
) => breakingFetch((fetch) => async (request, exchange) => broken(await fetch(request, exchange), request));

async function* inPieces({ body }: OutgoingResponse): AsyncGenerator<string | Uint8Array> {
  if (body === null || body === undefined) return;
  if (isWhole(body)) {
    yield body;
    return;
  }
  const source = openBody(body);
  for (;;) {
    const { done, value } = await source.next();
    if (done === true || value === undefined) return;
    yield value;
  }
}

async function readAll<T>(all: AsyncIterable<T> | null): Promise<readonly T[]> {
  const collected: T[] = [];
  if (all !== null) for await (const one of all) collected.push(one);
  return collected;
}

/** Fulfils when the exchange has completed or failed. */
const over = ({ completed }: Exchange) => Promise.allSettled([completed]);

const VIOLATIONS: readonly (readonly [violation: string, caseName: string, serve: Serve])[] = [
  ["lower-cases the method", "request-method", breakingRequest({ method: ({ method }) => method.toLowerCase() })],
  ["decodes the URL", "request-url", breakingRequest({ url: ({ url }) => decodeURI(url) })],
  [
    "collapses white space in header values",
    "request-headers",
    breakingRequest({
      headers: ({ headers }) => new Headers([...headers].map(([name, value]) => [name, value.replaceAll(/\s+/g, " ")])),
    }),
  ],
  [
    "joins cookies with a comma",
    "request-headers-joined",
    breakingRequest({ headers: ({ headers }) => change(headers, { get: () => (name) => comma(headers.get(name)) }) }),
  ],
  [
    "has a body for a request without content",
    "request-body-null",
    breakingRequest({ body: ({ body }) => body ?? new ReadableStream() }),
  ],
  [
    "reads the body before the handler runs",
    "continue-not-sent-when-unread",
    breakingFetch((fetch) => async (request, exchange) => {
      const pieces = await readAll(request.body);
      return fetch(change(request, { body: () => ReadableStream.from(pieces) }), exchange);
    }),
  ],
  [
    "ends a truncated body as if it were complete",
    "request-body-truncated",
    breakingRequest({
      body: ({ body }) =>
        (async function* () {
          try {
            yield* body ?? [];
          } catch {
            // This is the violation.
          }
        })(),
    }),
  ],
  ["never aborts the signal", "signal-on-disconnect", breakingRequest({ signal: () => new AbortController().signal })],
  [
    "aborts the signal without a code",
    "signal-on-disconnect",
    breakingRequest({
      signal: ({ signal }) => {
        const other = new AbortController();
        signal.addEventListener("abort", () => {
          other.abort();
        });
        return other.signal;
      },
    }),
  ],
  [
    "aborts the signal on success",
    "signal-not-on-success",
    breakingFetch((fetch) => (request, exchange) => {
      const other = new AbortController();
      void over(exchange).then(() => {
        other.abort(exchangeError("CLIENT_DISCONNECTED", "too late"));
        return undefined;
      });
      return fetch(change(request, { signal: () => other.signal }), exchange);
    }),
  ],
  ["fulfils completed at once", "completed-fulfils", breakingExchange({ completed: () => Promise.resolve() })],
  [
    "fulfils completed although the exchange failed",
    "completed-rejects",
    breakingExchange({ completed: (exchange) => over(exchange).then(() => undefined) }),
  ],
  [
    "takes the status modulo a thousand",
    "bad-status-is-500",
    breakingResponse((response) => ({ ...response, status: Math.max(200, Math.trunc(response.status) % 600) })),
  ],
  [
    "repairs invalid headers",
    "bad-header-is-500",
    breakingResponse((response) => {
      const lines: [string, string][] = [];
      eachField(response.headers ?? {}, (name, value) => {
        lines.push([name.replaceAll(/[^a-z-]/g, "-") || "x", value.replaceAll(/[^ -~]/g, "")]);
      });
      return { ...response, headers: lines };
    }),
  ],
  [
    "encodes field values as UTF-8",
    "header-value-bytes",
    breakingResponse((response) => {
      const lines: [string, string][] = [];
      eachField(response.headers ?? {}, (name, value) => {
        lines.push([name, Buffer.from(value).toString("latin1")]);
      });
      return { ...response, headers: lines };
    }),
  ],
  [
    "joins the lines of set-cookie",
    "set-cookie-lines",
    breakingResponse((response) => {
      const headers = new Map<string, string>();
      eachField(response.headers ?? {}, (name, value) => {
        const earlier = headers.get(name.toLowerCase());
        headers.set(name.toLowerCase(), earlier === undefined ? value : `${earlier}, ${value}`);
      });
      return { ...response, headers };
    }),
  ],
  [
    "guesses a Content-Type",
    "no-content-type-added",
    breakingResponse((response) => ({ ...response, headers: { "content-type": "text/html" } })),
  ],
  [
    "corrects the Content-Length",
    "content-length-mismatch-is-500",
    breakingResponse(({ status, body = null }) => ({ status, body })),
  ],
  [
    "sends a synchronous iterable",
    "sync-iterable-is-500",
    breakingResponse((response) =>
      Array.isArray(response.body) ? { ...response, body: (response.body as readonly string[]).join("") } : response,
    ),
  ],
  [
    "pulls a body that is not sent",
    "head-no-content",
    breakingResponse(async (response, { method }) => {
      if (method !== "HEAD") return response;
      await inPieces(response).next();
      return { status: response.status };
    }),
  ],
  [
    "waits for the whole body before it sends the first chunk",
    "chunk-sent-at-once",
    breakingResponse(async (response) => ({ ...response, body: (await readAll(inPieces(response))).join("") })),
  ],
  [
    "pulls the body faster than the client reads",
    "slow-reader",
    breakingResponse(async (response) => {
      const pieces = await readAll(inPieces(response));
      return { ...response, body: ReadableStream.from(pieces) };
    }),
  ],
  [
    "ends a failed body as if it were complete",
    "late-error-truncates",
    breakingResponse((response) => ({
      ...response,
      body: (async function* () {
        try {
          yield* inPieces(response);
        } catch {
          // This is the violation.
        }
      })(),
    })),
  ],
  [
    "calls trailers before the body has ended",
    "response-trailers",
    breakingResponse((response) => {
      const trailers = response.trailers?.() ?? {};
      return { ...response, trailers: () => trailers };
    }),
  ],
  [
    "releases the body twice",
    "disconnect-releases-body",
    breakingResponse((response) => {
      if (typeof response.body !== "object" || response.body === null || !(Symbol.asyncIterator in response.body)) {
        return response;
      }
      const iterator = response.body[Symbol.asyncIterator]();
      const twice = async () => {
        await iterator.return?.();
        await iterator.return?.();
        return { done: true, value: undefined } as const;
      };
      const body = { [Symbol.asyncIterator]: () => ({ next: () => iterator.next(), return: twice }) };
      return { ...response, body };
    }),
  ],
  [
    "responds to an error with 200",
    "handler-error-is-500",
    breakingFetch((fetch) => async (request, exchange) => {
      try {
        return await fetch(request, exchange);
      } catch {
        return { status: 200 };
      }
    }),
  ],
  [
    "sends what was thrown to the client",
    "handler-error-not-disclosed",
    breakingFetch((fetch) => async (request, exchange) => {
      try {
        return await fetch(request, exchange);
      } catch (error) {
        return { status: 500, body: String(error) };
      }
    }),
  ],
  [
    "trusts X-Forwarded-For of every client",
    "forwarded-not-trusted",
    breakingFetch((fetch) => (request, exchange) => {
      const hostname = request.headers.get("x-forwarded-for") ?? "";
      return fetch(request, change(exchange, { remoteAddress: () => ({ transport: "tcp", hostname, port: 0 }) }));
    }),
  ],
  [
    "decodes the target",
    "exchange-members",
    breakingExchange({ target: ({ target }) => target.replaceAll("%2F", "/") }),
  ],
  [
    "has informational responses for HTTP/1.0",
    "informational-http10",
    breakingExchange({ sendInformational: () => () => undefined }),
  ],
  [
    "sends informational responses late",
    "informational",
    breakingFetch((fetch) => async (request, exchange) => {
      const late: (() => void)[] = [];
      const sendInformational: NonNullable<Exchange["sendInformational"]> = (...args) => {
        late.push(() => exchange.sendInformational?.(...args));
      };
      const response = await fetch(request, change(exchange, { sendInformational: () => sendInformational }));
      for (const send of late) send();
      return response;
    }),
  ],
  [
    "has upgradeWebSocket for every request",
    "websocket-absent",
    breakingExchange({
      upgradeWebSocket: () => () => {
        throw new Error("there is none");
      },
    }),
  ],
  ["ignores promises passed to waitUntil", "wait-until", breakingExchange({ waitUntil: () => () => undefined })],
  [
    "needs the exchange as this of waitUntil",
    "wait-until-detached",
    breakingExchange({
      waitUntil: (exchange) =>
        function (this: unknown, work) {
          if (this === undefined) throw new TypeError("waitUntil was called without its exchange");
          exchange.waitUntil(work);
        },
    }),
  ],
  [
    "keeps a signal that never aborts",
    "client-end-while-waiting",
    breakingRequest({ signal: () => new AbortController().signal }),
  ],
  [
    "enters one async context for all",
    "async-context",
    breakingFetch((fetch) => {
      const inOne = AsyncLocalStorage.snapshot();
      let shared = inOne;
      return (request, exchange) =>
        shared(async () => {
          const response = await fetch(request, exchange);
          shared = AsyncLocalStorage.snapshot();
          return response;
        });
    }),
  ],
  [
    "forgets Node streams",
    "node-stream-released",
    breakingResponse((response, { method }) => (method === "HEAD" ? { status: response.status } : response)),
  ],
  [
    "runs a body at once",
    "busy-body-yields",
    breakingResponse(async (response) => ({ ...response, body: (await readAll(inPieces(response))).join("") })),
  ],
  [
    "disposes of nothing",
    "close-by-dispose",
    breakingServer((server) => ({ ...server, [Symbol.asyncDispose]: async () => undefined })),
  ],
  [
    "copies the state",
    "state",
    breakingExchange({ state: ({ state }) => (typeof state === "object" ? { ...state } : state) }),
  ],
  [
    "serves although startup failed",
    "startup-failure",
    breaking((application) => ({
      ...application,
      startup: async (info) => silently(() => application.startup?.(info)),
    })),
  ],
  [
    "does not call shutdown",
    "close-twice",
    breaking(({ fetch, startup }) => ({ fetch, ...(startup === undefined ? {} : { startup }) })),
  ],
  [
    "fulfils close() although shutdown failed",
    "shutdown-failure",
    breakingServer((server) => ({ ...server, close: async () => silently(() => server.close()) })),
  ],
  [
    "settles a second close() with another outcome",
    "close-twice",
    breakingServer((server) => {
      let calls = 0;
      return { ...server, close: () => (calls++ === 0 ? server.close() : Promise.resolve()) };
    }),
  ],
  [
    "has a draining signal for each exchange",
    "drain-signal",
    breakingExchange({ draining: ({ draining }) => AbortSignal.any([draining]) }),
  ],
];

function breakingServer(broken: (server: Server) => Server): Serve {
  return async (application, options) => broken(await serveRight(application, options));
}

async function silently(action: () => unknown): Promise<undefined> {
  try {
    await action();
  } catch {
    // This is the violation.
  }
}

function comma(value: string | null): string | null {
  return value?.replaceAll("; ", ", ") ?? null;
}

function caseOf(name: string): ConformanceCase {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new Error(`unknown case "${name}"`);
  return found;
}

describe("a server that violates a rule fails the case of the rule", () => {
  test.each(VIOLATIONS)("a server that %s fails %s", async (_violation, name, serve) => {
    // A short deadline, because many of these cases wait for what never happens.
    const outcome = await runCase({ ...caseOf(name), deadlineMs: 500 }, { serve });
    expect(outcome).toMatchObject({ kind: "failed", error: expect.any(ConformanceError) as ConformanceError });
  });

  test.each([...new Set(VIOLATIONS.map(([, name]) => name))])("a correct server passes %s", async (name) => {
    expect(await runCase(caseOf(name), { serve: serveRight })).toEqual({ kind: "passed" });
  });
});
