/** WebSockets, accepted and refused: TSGI-44 to TSGI-49. */
import type { Exchange, OutgoingResponse, WebSocketOptions, WebSocketUpgrade } from "../../index.ts";
import type { Capability, ConformanceCase } from "../case.ts";
import { check, equal } from "../expect.ts";
import type { Http1Wire } from "../http1-wire.ts";
import { field } from "../wire.ts";
import { HANDSHAKE, openWebSocket, type WebSocketWire } from "../websocket-wire.ts";
import { lastSegment, recordCompleted, recordSignal } from "./support.ts";

const REQUIRES = { requires: "websocket" } as const satisfies { readonly requires: Capability };

export const websocketCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "websocket-absent",
    rules: ["TSGI-44", "TSGI-32"],
    title: "upgradeWebSocket is absent if the request is not a valid handshake",
    sends:
      "A plain GET, and handshakes with a mistake: POST, HTTP/1.0, no `Upgrade`, another protocol, no key, a bad key, another version.",
    expects: "`upgradeWebSocket` is `undefined`, or the server responds with a 4xx.",
    source:
      "RFC 6455 §4.2.1: a server that finds a mistake in the handshake of a client stops, and responds with an error such as 400.",
    handler: () => (_request, exchange) => ({
      status: 200,
      headers: { "x-upgrade": typeof exchange.upgradeWebSocket },
    }),
    run: async (context) => {
      const requests = {
        "a plain GET": {},
        "a POST": { method: "POST", headers: HANDSHAKE },
        "HTTP/1.0": { version: "1.0", headers: HANDSHAKE },
        "no Upgrade": { headers: without("Upgrade") },
        "another protocol": { headers: without("Upgrade", "h2c") },
        "no key": { headers: without("Sec-WebSocket-Key") },
        "a bad key": { headers: without("Sec-WebSocket-Key", "c2hvcnQ=") },
        "another version": { headers: without("Sec-WebSocket-Version", "8") },
      } as const;
      for (const [what, parts] of Object.entries(requests)) {
        const wire = await context.connect();
        wire.request(parts);
        const response = await wire.response();
        // A server may also reject an invalid handshake itself.
        if (response.status === 200) equal(field(response, "x-upgrade"), "undefined", `upgradeWebSocket for ${what}`);
        else
          check(response.status >= 400 && response.status < 500, `expected 200 or a 4xx for ${what}`, response.status);
      }
    },
  },
  {
    kind: "exchange",
    name: "websocket-accept",
    rules: ["TSGI-44", "TSGI-47"],
    title: "the server completes the handshake, and the socket is connecting until then, and open after it",
    sends: "A valid handshake without extensions.",
    expects:
      "101 with the key of the server and the field of the application. `readyState` is 0 before and 1 at `open`; `completed` fulfils.",
    source:
      "RFC 6455 §4.2.2: a server that accepts the connection responds with 101 and `Sec-WebSocket-Accept`, which it computes from the key.",
    ...REQUIRES,
    handler: (probe) => (request, exchange) => {
      recordSignal(probe, request);
      recordCompleted(probe, exchange);
      const { socket, response } = upgrade(exchange, { headers: { "x-extra": "yes" } });
      probe.record(`readyState ${socket.readyState}, binaryType ${socket.binaryType}`);
      socket.addEventListener("open", () => {
        probe.record(`open ${socket.readyState}`);
      });
      return response;
    },
    run: async (context) => {
      const socket = await openWebSocket(await context.connect());
      equal(field(socket.response, "x-extra"), "yes", "the field that the application added");
      equal(field(socket.response, "sec-websocket-protocol"), null, "the protocol, if none was selected");
      equal(field(socket.response, "sec-websocket-extensions"), null, "the extensions, if none were offered");
      await context.recorded("open 1");
      await context.recorded("completed");
      const records = await context.records();
      equal(records[0], "readyState 0, binaryType arraybuffer", "the socket before the handshake");
      equal(records.slice(1).toSorted(), ["completed", "open 1"], "the records after the handshake");
    },
  },
  {
    kind: "exchange",
    name: "websocket-refuse",
    rules: ["TSGI-44"],
    title: "an ordinary response refuses the handshake",
    sends: "A valid handshake. The handler returns 403 with a field and a body.",
    expects: "That response, as for any request.",
    source:
      "RFC 6455 §4.2.2: a server that does not accept the handshake responds with a suitable HTTP error, such as 403.",
    ...REQUIRES,
    handler: () => () => ({ status: 403, headers: { "x-reason": "members only" }, body: "refused" }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ headers: HANDSHAKE });
      const response = await wire.response();
      equal(
        [response.status, field(response, "x-reason"), response.body.toString()],
        [403, "members only", "refused"],
        "the refusal",
      );
    },
  },
  {
    kind: "exchange",
    name: "websocket-rebuilt-response",
    rules: ["TSGI-46"],
    title: "a 101 that middleware has rebuilt keeps the socket, and its fields are sent",
    sends:
      "A valid handshake. The handler returns a new object with status 101 and other fields in place of the response of `upgradeWebSocket`.",
    expects: "101 with the new field, and a socket that echoes.",
    ...REQUIRES,
    handler: () => (_request, exchange) => {
      const { socket } = upgrade(exchange, { headers: { "x-lost": "yes" } });
      echo(socket);
      return { status: 101, headers: [["x-added", "yes"]] };
    },
    run: async (context) => {
      const socket = await openWebSocket(await context.connect());
      equal(field(socket.response, "x-added"), "yes", "the field that middleware added");
      socket.text("still here");
      equal(await socket.message(), { kind: "text", text: "still here" }, "the echo");
    },
  },
  {
    kind: "exchange",
    name: "websocket-protocol",
    rules: ["TSGI-45", "TSGI-46"],
    title: "the server selects the protocol that the application named",
    sends: "A handshake that offers `chat.v1` and `chat.v2`. The application names `chat.v2`.",
    expects: "`Sec-WebSocket-Protocol: chat.v2`, and the same `protocol` of the socket.",
    source: "RFC 6455 §4.2.2: the server selects one of the subprotocols that the client offered, or none.",
    ...REQUIRES,
    handler: (probe) => (_request, exchange) => {
      const { socket, response } = upgrade(exchange, { protocol: "chat.v2" });
      socket.addEventListener("open", () => {
        probe.record(`protocol ${socket.protocol}`);
      });
      return response;
    },
    run: async (context) => {
      const socket = await openWebSocket(await context.connect(), [["Sec-WebSocket-Protocol", "chat.v1, chat.v2"]]);
      equal(field(socket.response, "sec-websocket-protocol"), "chat.v2", "Sec-WebSocket-Protocol");
      await context.recorded("protocol chat.v2");
    },
  },
  {
    kind: "exchange",
    name: "websocket-echo",
    rules: ["TSGI-47"],
    title: "text and bytes are sent in both directions, and a ping gets a pong",
    sends: "Texts from 0 to 70,000 characters, three bytes, and a ping.",
    expects: "The same texts and bytes, and a pong with the data of the ping.",
    source:
      "RFC 6455 §5.5.2: an endpoint that receives a ping must send a pong, unless it already received a close frame.",
    ...REQUIRES,
    handler: () => (_request, exchange) => {
      const { socket, response } = upgrade(exchange);
      echo(socket);
      return response;
    },
    run: async (context) => {
      const socket = await openWebSocket(await context.connect());
      for (const text of ["", "添", "x".repeat(200), "y".repeat(70_000)]) {
        socket.text(text);
        equal(await socket.message(), { kind: "text", text }, "the echo of a text");
      }
      const bytes = Buffer.from([0, 255, 128]);
      socket.binary(bytes);
      equal(await socket.message(), { kind: "binary", bytes }, "the echo of bytes");
      socket.ping(bytes);
      equal(await socket.message(), { kind: "pong", bytes }, "the pong");
    },
  },
  {
    kind: "exchange",
    name: "websocket-early-message",
    rules: ["TSGI-47"],
    title: "messages that arrive before a listener is attached are kept for it",
    sends: "Three messages before the application adds its listener.",
    expects: "The listener gets all three in order.",
    ...REQUIRES,
    handler: (probe) => (_request, exchange) => {
      const { socket, response } = upgrade(exchange);
      void probe.released("listen").then(() => {
        echo(socket);
        return undefined;
      });
      return response;
    },
    run: async (context) => {
      const wire = await context.connect();
      const socket = await openWebSocket(wire);
      for (const text of ["one", "two", "three"]) socket.text(text);
      await wire.sent();
      await context.settle();
      await context.release("listen");
      for (const text of ["one", "two", "three"]) {
        equal(await socket.message(), { kind: "text", text }, "the next message");
      }
    },
  },
  {
    kind: "exchange",
    name: "websocket-too-big",
    rules: ["TSGI-48"],
    title: "a message longer than maxMessageBytes closes the socket with 1009",
    sends: "Messages of 100 and 101 bytes to a socket with `maxMessageBytes: 100`.",
    expects: "The echo of the first, and a close frame with 1009 for the second.",
    source: "RFC 6455 §7.4.1: 1009 means that a message is too big to process.",
    ...REQUIRES,
    handler: (probe) => (_request, exchange) => {
      const { socket, response } = upgrade(exchange, { maxMessageBytes: 100 });
      socket.addEventListener("close", ({ code }) => {
        probe.record(`close ${code}`);
      });
      echo(socket);
      return response;
    },
    run: async (context) => {
      const wire = await context.connect();
      const socket = await openWebSocket(wire);
      socket.text("x".repeat(100));
      equal(await socket.message(), { kind: "text", text: "x".repeat(100) }, "the message at the limit");
      socket.text("x".repeat(101));
      await closesWith(wire, socket, 1009);
    },
  },
  {
    kind: "exchange",
    name: "websocket-close-codes",
    rules: ["TSGI-48", "TSGI-49"],
    title: "close codes and reasons of both ends arrive unchanged",
    sends:
      "A socket that the client closes with 4000, one that the server closes with 4001, and one whose connection the client resets.",
    expects: "The codes and reasons as sent, and 1006 for the reset. The signal aborts in none of them.",
    source: "RFC 6455 §7.1.5: the code is 1006 if the connection closed and no close frame was received.",
    ...REQUIRES,
    handler: (probe) => (request, exchange) => {
      recordSignal(probe, request);
      const { socket, response } = upgrade(exchange);
      const path = lastSegment(request.url);
      if (path === "server") {
        socket.addEventListener("open", () => {
          socket.close(4001, "tschüs");
        });
      }
      socket.addEventListener("close", ({ code, reason, wasClean }) => {
        probe.record(`${path}: ${code} ${reason} ${wasClean ? "clean" : "unclean"}`);
      });
      return response;
    },
    run: async (context) => {
      const one = await context.connect();
      const client = await openWebSocket(one, [], "/client");
      client.close(4000, "bye");
      equal(
        await client.message(),
        { kind: "close", code: 4000, reason: "bye" },
        "the close frame in response to the client's",
      );
      await one.closed();
      one.end();
      await context.recorded("client: 4000 bye clean");

      const other = await context.connect();
      const server = await openWebSocket(other, [], "/server");
      equal(await server.message(), { kind: "close", code: 4001, reason: "tschüs" }, "the server's close");
      server.close(4001, "tschüs");
      await other.closed();
      other.end();
      await context.recorded("server: 4001 tschüs clean");

      const third = await context.connect();
      await openWebSocket(third, [], "/reset");
      third.reset();
      await context.recorded("reset: 1006  unclean");
      equal(
        (await context.records()).filter((record) => record.startsWith("signal")),
        [],
        "aborts of the signal",
      );
    },
  },
  {
    kind: "exchange",
    name: "websocket-listener-throws",
    rules: ["TSGI-47"],
    title: "a listener that throws or rejects costs its socket, and nothing else",
    sends: "A message to a listener that throws, and one to a listener that rejects.",
    expects: "A close frame with 1011 on each socket, and a response to the next client.",
    source:
      "RFC 6455 §7.4.1: 1011 means that an unexpected condition prevented the server from fulfilling the request.",
    ...REQUIRES,
    handler: () => (request, exchange) => {
      if (lastSegment(request.url) === "alive") return { status: 200, body: "alive" };
      const { socket, response } = upgrade(exchange);
      socket.addEventListener("message", lastSegment(request.url) === "throws" ? throwError : rejectLater);
      return response;
    },
    run: async (context) => {
      for (const path of ["/throws", "/rejects"]) {
        const wire = await context.connect();
        const socket = await openWebSocket(wire, [], path);
        socket.text("message");
        await closesWith(wire, socket, 1011);
      }
      equal((await context.fetch({ path: "/alive" })).body.toString(), "alive", "the response to the next request");
    },
  },
  {
    kind: "server",
    name: "websocket-drain",
    rules: ["TSGI-49", "TSGI-52"],
    title: "an open socket delays shutdown, and is closed with 1001 at the deadline at the latest",
    sends:
      "An open socket that the application closes while the server shuts down, and one that it keeps open past `shutdownTimeoutMs: 50`.",
    expects: "`shutdown` waits for the first; the second gets a close frame with 1001 at the deadline.",
    source: "RFC 6455 §7.4.1: 1001 means that an endpoint is going away, such as a server that shuts down.",
    ...REQUIRES,
    run: async ({ serve, probe, connect, within }) => {
      const application = (name: string) => ({
        fetch: (request: { readonly url: string }, exchange: Exchange): OutgoingResponse => {
          const { socket, response } = upgrade(exchange);
          const path = lastSegment(request.url);
          socket.addEventListener("close", ({ code }) => {
            probe.record(`${name} ${path}: close ${code}`);
          });
          exchange.draining.addEventListener("abort", () => {
            probe.record(`${name}: draining`);
            if (path === "closing") socket.close(4000, "bye");
          });
          return response;
        },
        shutdown: () => {
          probe.record(`${name}: shutdown`);
        },
      });
      const slow = await serve(application("slow"), { shutdownTimeoutMs: 60_000 });
      const one = await connect(slow);
      const closing = await openWebSocket(one, [], "/closing");
      const closed = slow.close();
      const last = await closing.message();
      check(
        last.kind === "close" && (last.code === 4000 || last.code === 1001),
        "expected the application's close, or 1001",
        last,
      );
      equal((await probe.records()).includes("slow: shutdown"), false, "shutdown while the socket is open");
      closing.close(last.code ?? 1000, "");
      await one.closed();
      one.close();
      await within(closed, "close() when the socket has closed");
      equal((await probe.records()).at(-1), "slow: shutdown", "the last record");

      const fast = await serve(application("fast"), { shutdownTimeoutMs: 50 });
      const other = await connect(fast);
      const open = await openWebSocket(other, [], "/open");
      const closedAtDeadline = fast.close();
      await closesWith(other, open, 1001);
      other.close();
      await within(closedAtDeadline, "close() at its deadline");
      equal((await probe.records()).at(-1), "fast: shutdown", "the last record");
    },
  },
];

function upgrade(exchange: Exchange, options: WebSocketOptions = {}): WebSocketUpgrade {
  const upgraded = exchange.upgradeWebSocket?.(options);
  if (upgraded === undefined) throw new TypeError("upgradeWebSocket is absent for a valid handshake");
  return upgraded;
}

function throwError(): never {
  throw new Error("on purpose");
}

/** An async function as a listener. */
// oxlint-disable-next-line typescript/no-misused-promises -- it is what the case is about
const rejectLater: () => void = () => Promise.reject(new Error("on purpose"));

function echo(socket: WebSocket): void {
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    socket.send(data as string | ArrayBuffer);
  });
}

/** Expects a close frame with the code, responds to it, and waits for the end of the connection. */
async function closesWith(wire: Http1Wire, socket: WebSocketWire, code: number): Promise<void> {
  const message = await socket.message();
  equal([message.kind, message.kind === "close" ? message.code : null], ["close", code], "the server's close");
  socket.close(code, "");
  await wire.closed();
}

/** The handshake without a field, or with another value of it. */
function without(name: string, value?: string): readonly (readonly [string, string])[] {
  const rest = HANDSHAKE.filter(([given]) => given !== name);
  return value === undefined ? rest : [...rest, [name, value]];
}
