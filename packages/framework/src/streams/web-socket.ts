/** WebSocket routes: JSON messages that a schema checks, and a handshake that pages of other sites cannot make. */
import type { Awaitable, WebSocketOptions } from "@tsgi/gateway-spec";
import { messages as rawMessages, send as rawSend } from "@tsgi/gateway-spec/websocket";
import type { App } from "../app.ts";
import { HttpError } from "../errors.ts";
import { respond } from "../results.ts";
import { isCrossSite, toOrigins } from "../security/csrf.ts";
import type { Context, FittingNeeds, Needs, Route } from "../types.ts";
import { isThenable } from "../thenable.ts";
import { type Checked, compileCheck } from "../validation/compile.ts";
import type { InputOf, OutputOf, Schema } from "../validation/schema.ts";

/** Schemas, needs and limits of a WebSocket route. */
export interface WebSocketRouteOptions<Received extends Schema, Sent extends Schema, RouteNeeds> {
  /** A message of the client, parsed from JSON. One that does not fit closes the socket with 4007. */
  readonly receive: Received;
  /** A message to the client, before it becomes JSON. It is checked, and stripped of what the schema does not declare. */
  readonly send: Sent;
  /** As in a route. They run before the handshake. */
  readonly needs?: RouteNeeds;
  /** Subprotocols that the application speaks, best first. The first one that the client offers is agreed on. Default: none. */
  readonly protocols?: readonly string[];
  /** Longest message accepted, in bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Other origins whose pages may open the socket. Default: none. */
  readonly trustedOrigins?: readonly string[];
}

/** A WebSocket whose messages are JSON values that schemas have checked. */
export interface TypedSocket<Received, Sent> {
  /** The client's messages. The loop ends when the socket is closed. */
  readonly messages: AsyncIterable<Received>;
  /** Settles when the system has taken the message: a loop that awaits it writes no faster than the client reads. */
  readonly send: (message: Sent) => Promise<void>;
  /** @param code 1000, or 3000 to 4999. Default 1000. */
  readonly close: (code?: number, reason?: string) => void;
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string;
}

type SocketContext<Path extends string, RouteNeeds, State, Received, Sent> = Context<
  Route<"GET", Path, { readonly needs: RouteNeeds }>,
  State
> & { readonly socket: TypedSocket<Received, Sent> };

/** RFC 6455 §7.4.2: 4000 to 4999 are for applications; 1007 and 1011, which mean the same, are for the protocol itself. */
const NORMAL = 1000;
const INVALID_MESSAGE = 4007;
const FAILED = 4011;

/** RFC 6455 §5.5: a close frame has room for 123 bytes of reason. */
const MAX_REASON_BYTES = 123;

/**
 * Adds a WebSocket route. The socket closes with 1000 when the handler returns, and with 4011 when it throws, which is logged:
 *
 *     webSocket(app, "/chat", { receive: Line, send: Line }, async ({ socket }) => {
 *       for await (const line of socket.messages) await socket.send(line);
 *     });
 *
 * A request that is no handshake gets 426 `WEBSOCKET_REQUIRED`; one from a page of another site 403 `CROSS_SITE_REQUEST`.
 * @throws RouteError
 */
export function webSocket<
  State,
  const Path extends string,
  Received extends Schema,
  Sent extends Schema,
  const RouteNeeds extends Needs = {},
>(
  app: App<State>,
  path: Path,
  options: WebSocketRouteOptions<Received, Sent, RouteNeeds> &
    Partial<FittingNeeds<{ readonly needs: RouteNeeds }, State>>,
  handler: (context: SocketContext<Path, RouteNeeds, State, OutputOf<Received>, InputOf<Sent>>) => Awaitable<void>,
): void {
  const { needs = {}, protocols = [], maxMessageBytes } = options;
  const checkReceived = compileCheck(options.receive);
  const checkSent = compileCheck(options.send);
  const trusted = toOrigins(options.trustedOrigins ?? []);

  app.get(path, { needs }, (context) => {
    const { request, exchange } = context;
    if (exchange.upgradeWebSocket === undefined) {
      throw new HttpError(426, "WEBSOCKET_REQUIRED", "This address takes WebSocket connections only", {
        headers: { upgrade: "websocket" },
      });
    }
    // A handshake is a GET with cookies that no same-origin policy stops (RFC 6455 §10.2).
    if (isCrossSite(request, trusted)) {
      throw new HttpError(403, "CROSS_SITE_REQUEST", "This request comes from a page of another site");
    }
    const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",");
    const names = new Set(offered.map((name) => name.trim()));
    const protocol = protocols.find((name) => names.has(name));
    const upgrade: WebSocketOptions = {
      ...(protocol === undefined ? {} : { protocol }),
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    };
    const { socket, response } = exchange.upgradeWebSocket(upgrade);
    const sendChecked = (checked: Checked) => {
      if ("mistakes" in checked) throw new TypeError(`The message does not match the "send" schema of ${path}`);
      return rawSend(socket, JSON.stringify(checked.value));
    };
    const typed: TypedSocket<unknown, unknown> = {
      messages: received(socket),
      send: (message) => {
        try {
          const checked = checkSent(message);
          return isThenable(checked) ? Promise.resolve(checked).then(sendChecked) : sendChecked(checked);
        } catch (error) {
          return Promise.reject(error);
        }
      },
      close: (code = NORMAL, reason = "") => {
        socket.close(code, reason);
      },
      protocol: protocol ?? "",
    };
    Object.defineProperty(context, "socket", { value: typed, configurable: true });
    exchange.waitUntil(run(socket, handler as (context: unknown) => Awaitable<void>, context));
    return respond(response);
  });

  async function* received(socket: WebSocket): AsyncGenerator<unknown, void, undefined> {
    // Not a loop over it: to leave that one closes the socket with 1000, also where the handler has failed.
    const source = rawMessages(socket);
    for (;;) {
      const { done, value: message } = await source.next();
      if (done === true) return;
      const parsed = parse(message);
      const checked = parsed === null ? null : await checkReceived(parsed.value);
      if (checked === null || "mistakes" in checked) {
        const field = checked?.mistakes[0]?.field ?? "";
        const reason = field === "" ? "The message is not valid" : `The field ${field} of the message is not valid`;
        socket.close(INVALID_MESSAGE, shortened(reason));
        return;
      }
      yield checked.value;
    }
  }
}

async function run(socket: WebSocket, handler: (context: unknown) => Awaitable<void>, context: unknown): Promise<void> {
  try {
    await opened(socket);
    await handler(context);
    socket.close(NORMAL);
  } catch (error) {
    // A client that has left is no failure of the handler.
    if (socket.readyState === CLOSED) return;
    socket.close(FAILED);
    throw error;
  }
}

const CONNECTING = 0;
const CLOSED = 3;

async function opened(socket: WebSocket): Promise<void> {
  if (socket.readyState !== CONNECTING) return;
  await new Promise<void>((resolve) => {
    socket.addEventListener("open", () => {
      resolve();
    });
    socket.addEventListener("close", () => {
      resolve();
    });
  });
}

/** As much of a reason as a close frame has room for, in whole characters. */
function shortened(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}

/** The value of a JSON text, or `null` for what is no JSON. */
function parse(message: unknown): { readonly value: unknown } | null {
  if (typeof message !== "string") return null;
  try {
    return { value: JSON.parse(message) as unknown };
  } catch {
    return null;
  }
}
