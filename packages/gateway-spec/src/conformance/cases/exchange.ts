/** The members and capabilities of an exchange: TSGI-27 to TSGI-33. */
import { AsyncLocalStorage } from "node:async_hooks";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Address, Exchange, OutgoingResponse, Serve, Server } from "../../index.ts";
import type { ConformanceCase } from "../case.ts";
import { equal } from "../expect.ts";
import { field } from "../wire.ts";
import { json, lastSegment, ok, parse } from "./support.ts";

export const exchangeCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "exchange-members",
    http2: "also",
    rules: ["TSGI-27", "TSGI-32"],
    title: "every member is present and of its type, and the target is as received",
    sends: "Requests of each version with an unusual target, and one of HTTP/1.1 with a target in absolute form.",
    expects: "`target` as sent, `protocol` of the request, and every member of its type.",
    source: "RFC 9112 §3.2.2: a server must accept a target in absolute form.",
    handler: () => (_request, exchange) =>
      json({ target: exchange.target, protocol: exchange.protocol, wrong: wrongMembers(exchange) }),
    run: async (context) => {
      const target = `${context.base}/a%2Fb/../%e6?x=1&y=%20`;
      const what = "target, protocol and the members of the wrong type";
      if (context.protocol === "h2") {
        equal(parse(await context.fetch({ target })), { target, protocol: "2", wrong: [] }, what);
        return;
      }
      for (const version of ["1.1", "1.0"] as const) {
        equal(parse(await context.fetch({ version, target })), { target, protocol: version, wrong: [] }, what);
      }
      const absolute = `${context.origin}${context.base}/absolute?x=1`;
      equal(
        parse(await context.fetch({ target: absolute })),
        { target: absolute, protocol: "1.1", wrong: [] },
        "the members for a target in absolute form",
      );
    },
  },
  {
    kind: "exchange",
    name: "address-members",
    http2: "also",
    rules: ["TSGI-28"],
    title: "peerAddress, remoteAddress and localAddress are those of the connection",
    sends: "One request over TCP.",
    expects:
      "`peerAddress` and `remoteAddress` are the client's end of the connection, and `localAddress` is the server's end.",
    handler:
      () =>
      (_request, { peerAddress, remoteAddress, localAddress }) =>
        json({ peerAddress, remoteAddress, localAddress }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      const { client, server } = wire;
      equal(
        parse(await wire.response()),
        { peerAddress: client, remoteAddress: client, localAddress: server },
        "the addresses",
      );
    },
  },
  {
    kind: "server",
    name: "address-ipv4-mapped",
    rules: ["TSGI-28"],
    title: "an IPv4 client of a server on :: has an IPv4 address",
    sends: "One request to `127.0.0.1`, where the server listens on `::`.",
    expects: "IPv4 addresses, not `::ffff:127.0.0.1`.",
    source: "RFC 4291 §2.5.5.2: an IPv4-mapped address represents the address of an IPv4 node as an IPv6 address.",
    run: async ({ serve, connect }) => {
      const server = await serveOnAllAddresses(serve, ({ peerAddress, remoteAddress, localAddress }) =>
        json([peerAddress, remoteAddress, localAddress]),
      );
      // A host without IPv6 has no such addresses.
      if (server === null) return;
      const { address, url } = server;
      if (address.transport !== "tcp") return;
      const wire = await connect({ address: { ...address, hostname: "127.0.0.1" }, url });
      const peer = wire.client;
      wire.request({ target: "/" });
      equal(parse(await wire.response()), [peer, peer, { ...address, hostname: "127.0.0.1" }], "the addresses");
    },
  },
  {
    kind: "server",
    name: "address-unix-socket",
    rules: ["TSGI-28"],
    title: "on a Unix domain socket the local address is its path, and the client has none",
    sends: "One request over a Unix domain socket.",
    expects: "`localAddress` has the path of the socket; `peerAddress` and `remoteAddress` are `null`.",
    run: async ({ serve, within }) => {
      const folder = await mkdtemp(join(tmpdir(), "tsgi-"));
      const path = join(folder, "socket");
      try {
        const server = await serve(
          (_request, { peerAddress, remoteAddress, localAddress }) => json([peerAddress, remoteAddress, localAddress]),
          { path },
        );
        const unix = { transport: "unix", path };
        equal(server.address, unix, "the address of the server");
        const client = connectSocket(path);
        client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        const response = await within(text(client), "the response");
        equal(JSON.parse(response.slice(response.indexOf("\r\n\r\n"))), [null, null, unix], "the addresses");
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  },
  {
    kind: "exchange",
    name: "forwarded-not-trusted",
    http2: "also",
    rules: ["TSGI-28"],
    title: "Forwarded and X-Forwarded fields are not trusted by default",
    sends:
      "One request with `Forwarded`, `X-Forwarded-*` and `X-Real-IP` fields that name another client, scheme and host.",
    expects: "The URL, the addresses and `encrypted` are those of the connection.",
    source: "RFC 7239 §8.1: `Forwarded` cannot be relied upon, because every node on the way can modify it.",
    handler:
      () =>
      (request, { peerAddress, remoteAddress, encrypted }) =>
        json({ url: request.url, peerAddress, remoteAddress, encrypted }),
    run: async (context) => {
      const wire = await context.connect();
      const peer = wire.client;
      const scheme = context.encrypted ? "http" : "https";
      wire.request({
        headers: [
          ["Forwarded", `for=192.0.2.1;proto=${scheme};host=forwarded.example`],
          ["X-Forwarded-For", "192.0.2.2"],
          ["X-Forwarded-Proto", scheme],
          ["X-Forwarded-Host", "forwarded.example"],
          ["X-Forwarded-Port", "443"],
          ["X-Real-IP", "192.0.2.3"],
        ],
      });
      equal(
        parse(await wire.response()),
        { url: context.origin + context.base, peerAddress: peer, remoteAddress: peer, encrypted: context.encrypted },
        "the URL, the addresses and encrypted",
      );
    },
  },
  {
    kind: "exchange",
    name: "wait-until-detached",
    http2: "also",
    rules: ["TSGI-31"],
    title: "waitUntil may be called detached from its exchange",
    sends:
      "One request. The handler calls `waitUntil` without its exchange as `this`, with a promise that the client settles later.",
    expects: "The response at once, and the end of the work after the release.",
    handler: (probe) => (_request, exchange) => {
      const waitUntil = Reflect.get<Exchange, "waitUntil">(exchange, "waitUntil");
      waitUntil(probe.released("finish").then(() => probe.record("finished")));
      return ok("sent");
    },
    run: async (context) => {
      equal((await context.fetch()).body.toString(), "sent", "the response that does not wait for the work");
      await context.release("finish");
      await context.recorded("finished");
    },
  },
  {
    kind: "exchange",
    name: "async-context",
    http2: "also",
    rules: ["TSGI-41"],
    title: "each handler has an async context of its own, which its body shares",
    sends:
      "Five requests in one write on one connection. Each handler stores its name in an `AsyncLocalStorage`, and reads it in the body.",
    expects: "Each handler finds the storage empty, and each body finds the name of its own handler.",
    handler: () => {
      const storage = new AsyncLocalStorage<string>();
      return (request) => {
        const before = storage.getStore() ?? "nothing";
        storage.enterWith(lastSegment(request.url));
        const response = {
          status: 200,
          body: (async function* () {
            yield `${before}, `;
            await new Promise(setImmediate);
            yield storage.getStore() ?? "nothing";
          })(),
        };
        return request.url.endsWith("later") ? Promise.resolve(response) : response;
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      const names = ["one", "two-later", "three", "four-later", "five"];
      wire.request(...names.map((name) => ({ path: `/${name}` })));
      for (const name of names) {
        equal((await wire.response()).body.toString(), `nothing, ${name}`, "what the handler and its body saw");
      }
    },
  },
  {
    kind: "exchange",
    name: "wait-until-rejection",
    http2: "also",
    rules: ["TSGI-31"],
    title: "a rejected waitUntil promise has no other effect",
    sends: "A request whose `waitUntil` promise rejects after the response, then another request on the connection.",
    expects: "Both responses; the rejection ends neither the connection nor the process.",
    handler: (probe) => (request, exchange) => {
      if (request.url.endsWith("/rejects")) {
        const work = async () => {
          await probe.released("reject");
          probe.record("rejected");
          throw new Error("on purpose");
        };
        exchange.waitUntil(work());
      }
      return ok("response");
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ path: "/rejects" });
      equal((await wire.response()).body.toString(), "response", "the response, which does not wait for the work");
      await context.release("reject");
      await context.recorded("rejected");
      await context.settle();
      wire.request();
      equal((await wire.response()).body.toString(), "response", "the response after the work has rejected");
    },
  },
  {
    kind: "exchange",
    name: "informational",
    http2: "also",
    rules: ["TSGI-33"],
    title: "informational responses are sent at once, and before the final response",
    sends:
      "One request. The handler sends 103 with two `Link` fields, waits, sends 102, and returns the final response.",
    expects: "103 with two lines of `Link` and no `Content-Length` while the handler waits, then 102, then 200.",
    source: "RFC 9110 §15.2: an interim response with a 1xx status precedes the final response and has no content.",
    requires: "informational",
    handler: (probe) => async (_request, exchange) => {
      exchange.sendInformational?.(103, { link: ["</a.css>; rel=preload", "</b.js>; rel=preload"] });
      await probe.released("continue");
      exchange.sendInformational?.(102);
      return ok("final", { "x-final": "yes" });
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      const early = await wire.head();
      equal(
        [early.status, early.fields.filter(([name]) => name === "link").map(([, value]) => value)],
        [103, ["</a.css>; rel=preload", "</b.js>; rel=preload"]],
        "the early hints",
      );
      equal(field(early, "content-length"), null, "the Content-Length of an informational response");
      await context.release("continue");
      const { status, informational, body } = await wire.response();
      equal(
        [informational.map((head) => head.status), status, body.toString()],
        [[102], 200, "final"],
        "the other responses",
      );
    },
  },
  {
    kind: "exchange",
    name: "informational-http10",
    rules: ["TSGI-33"],
    title: "sendInformational is absent for HTTP/1.0, and no informational response is sent",
    sends: "One request of HTTP/1.0. The handler sends 103 if the member is present.",
    expects: "`sendInformational` is `undefined`, and the client gets the final response only.",
    source: "RFC 9110 §15.2: a server must not send a 1xx response to an HTTP/1.0 client.",
    handler: () => (_request, exchange) => {
      exchange.sendInformational?.(103, { link: "</a.css>; rel=preload" });
      return ok(typeof exchange.sendInformational);
    },
    run: async (context) => {
      const { informational, body } = await context.fetch({ version: "1.0" });
      equal(informational, [], "informational responses to HTTP/1.0");
      equal(body.toString(), "undefined", "the type of sendInformational for HTTP/1.0");
    },
  },
];

/** Names of the members that are missing or of the wrong type. */
function wrongMembers(exchange: Exchange): readonly string[] {
  const types: Readonly<Record<keyof Exchange, boolean>> = {
    target: typeof exchange.target === "string",
    protocol: ["1.0", "1.1", "2"].includes(exchange.protocol),
    encrypted: typeof exchange.encrypted === "boolean",
    remoteAddress: isAddress(exchange.remoteAddress),
    peerAddress: isAddress(exchange.peerAddress),
    localAddress: isAddress(exchange.localAddress),
    tls: exchange.encrypted ? typeof exchange.tls === "object" : exchange.tls === null,
    state: "state" in exchange,
    draining: exchange.draining instanceof AbortSignal && !exchange.draining.aborted,
    completed: exchange.completed instanceof Promise,
    waitUntil: typeof exchange.waitUntil === "function",
    sendInformational: isOptionalFunction(exchange, "sendInformational"),
    upgradeWebSocket: isOptionalFunction(exchange, "upgradeWebSocket"),
  };
  return Object.entries(types).flatMap(([name, right]) => (right ? [] : [name]));
}

function isAddress(address: Address | null): boolean {
  if (address === null) return true;
  return address.transport === "tcp"
    ? typeof address.hostname === "string" && Number.isInteger(address.port)
    : typeof address.path === "string";
}

function isOptionalFunction(exchange: Exchange, name: "sendInformational" | "upgradeWebSocket"): boolean {
  return ["undefined", "function"].includes(typeof exchange[name]);
}

/** `null` where the host has no IPv6. */
async function serveOnAllAddresses(
  serve: Serve,
  handler: (exchange: Exchange) => OutgoingResponse,
): Promise<Server | null> {
  try {
    return await serve((_request, exchange) => handler(exchange), { hostname: "::" });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL") return null;
    throw error;
  }
}
