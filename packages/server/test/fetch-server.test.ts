/** The kit through both adapters of the Fetch Server API draft: our application, as a handler object, on our server. */
import type { Application, Handler, Logger, Serve } from "@tsgi/gateway-spec";
import { cases, runCase, runsOf } from "@tsgi/gateway-spec/conformance";
import {
  fromServerContext,
  type HandlerObject,
  PROTOCOL_MARKER,
  toServerContext,
} from "@tsgi/gateway-spec/fetch-server";
import { expect, test } from "vitest";
import { WebSocket as Client } from "ws";
import { serve as serveSocket } from "../src/socket/index.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The lifespan goes beside the handler object, because the draft has none. */
const serve: Serve = (application, options = {}) => {
  const { logger = QUIET } = options;
  const handler = toServerContext(application as Application | Handler, { logger });
  const { fetch } = fromServerContext(handler, { logger });
  return serveSocket({ fetch, startup: handler.start, shutdown: handler.close }, { bodyTimeoutMs: 200, ...options });
};

const REQUEST = "a web Request normalizes the method, the URL and the fields, and has no content with GET";
const LINES = "a Headers object joins the lines of a field";
const TRAILERS = "a host of the draft takes trailers of a Response, which no runtime makes yet";
const VERSION = "the draft does not tell HTTP/1.0 from HTTP/1.1";
const UNIX = "an address of the draft is an IP address";
const DEADLINE = "the lifespan behind the host waits for the work of waitUntil without a deadline";
const UPGRADE = "upgradeWebSocket of the draft takes no fields and no limits";

/** What the round trip loses: the draft has no place for it. */
const LOST: Readonly<Record<string, string>> = {
  "request-method": REQUEST,
  "request-url": REQUEST,
  "request-headers": REQUEST,
  "request-body-null": REQUEST,
  "request-trailers": TRAILERS,
  "response-trailers": TRAILERS,
  "set-cookie-lines": LINES,
  informational: LINES,
  "exchange-members": REQUEST,
  "informational-http10": VERSION,
  "address-unix-socket": UNIX,
  "shutdown-deadline": DEADLINE,
  "websocket-accept": UPGRADE,
  "websocket-rebuilt-response": UPGRADE,
  "websocket-too-big": UPGRADE,
};

test("the cases that the round trip loses are cases of the kit", () => {
  const names = new Set(cases.map(({ name }) => name));
  expect(Object.keys(LOST).filter((name) => !names.has(name))).toEqual([]);
});

const kept = runsOf(cases, ["http/1.1"]).filter(({ case: { name } }) => !(name in LOST));
test.for(kept.map(({ case: one }) => [one.name, one] as const))("%s", async ([, one]) => {
  expect(await runCase(one, { serve })).toEqual({ kind: "passed" });
});

test("connect() of a handler object echoes over a WebSocket that is open at once, and leaves other offers to fetch()", async () => {
  const handler: HandlerObject = {
    [PROTOCOL_MARKER]: 1,
    fetch: (ctx) => new Response(`fetch ${new URL(ctx.request.url).pathname}`),
    connect: (ctx) => {
      if (ctx.request.url.endsWith("/plain")) {
        ctx.deny(Symbol.for("wintertc.server.fallthrough"));
        return undefined;
      }
      const socket = ctx.upgradeWebSocket({ protocol: ["chat"] });
      socket.send(`open ${socket.readyState} ${socket.protocol}`);
      socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
        socket.send(`echo ${String(data)}`);
      });
      return undefined;
    },
  };
  await using server = await serveSocket(fromServerContext(handler));
  const client = new Client(`${server.url.replace("http", "ws")}socket`, ["other", "chat"]);
  const received: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.on("error", reject);
    client.on("message", (data: Buffer) => {
      received.push(data.toString());
      if (received.length === 1) client.send("one");
      else client.close();
    });
    client.on("close", () => {
      resolve();
    });
  });
  expect(received).toEqual(["open 1 chat", "echo one"]);

  const refused = new Client(`${server.url.replace("http", "ws")}plain`);
  const status = await new Promise((resolve) => {
    refused.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode);
    });
    refused.on("error", () => undefined);
  });
  expect(status).toBe(200);
});
