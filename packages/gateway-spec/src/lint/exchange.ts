/** Checks the exchange of the server, and replaces it by one that checks how the application uses it. */
import type { Exchange, IncomingRequest, WebSocketOptions } from "../index.ts";
import { isPromiseLike } from "../server-kit/handler-result.ts";
import { checkedFields } from "./fields.ts";
import { guard } from "./guard.ts";
import { type Reporter, show } from "./report.ts";
import { isAbortSignal, isObject, member } from "./values.ts";
import type { ExchangeWatch } from "./watch.ts";

export function lintExchange<State>(
  report: Reporter,
  exchange: Exchange<State>,
  request: IncomingRequest,
  watch: ExchangeWatch,
): Exchange<State> {
  checkMembers(report, exchange);
  checkTarget(report, exchange, request);
  checkCapabilities(report, exchange, request);

  const members: Exchange<State> = {
    get target() {
      return exchange.target;
    },
    get protocol() {
      return exchange.protocol;
    },
    get encrypted() {
      return exchange.encrypted;
    },
    get remoteAddress() {
      return exchange.remoteAddress;
    },
    get peerAddress() {
      return exchange.peerAddress;
    },
    get localAddress() {
      return exchange.localAddress;
    },
    get tls() {
      return exchange.tls;
    },
    get state() {
      return exchange.state;
    },
    get draining() {
      return exchange.draining;
    },
    get completed() {
      return exchange.completed;
    },
    // A getter, because it may be called detached (TSGI-31).
    get waitUntil() {
      return (work: Promise<unknown>) => {
        if (!isPromiseLike(work)) report.now("wait-until-promise", show(work));
        exchange.waitUntil(work);
      };
    },
    ...(exchange.sendInformational !== undefined && {
      sendInformational: (status, headers) => {
        if (!Number.isInteger(status) || status < 102 || status > 199) report.now("informational-status", show(status));
        if (watch.responded) report.now("informational-late", "a call after the handler had returned");
        exchange.sendInformational?.(status, checkedFields(report, headers));
      },
    }),
    ...(exchange.upgradeWebSocket !== undefined && {
      upgradeWebSocket: (options) => {
        if (watch.upgraded) report.now("upgrade-twice", "a second call");
        watch.upgraded = true;
        return upgrade(report, exchange, request, options);
      },
    }),
  };
  return guard(report, "the exchange", members);
}

function checkMembers(report: Reporter, exchange: object): void {
  const tests: Readonly<Record<string, (value: unknown) => boolean>> = {
    target: (value) => typeof value === "string",
    protocol: (value) => value === "1.0" || value === "1.1" || value === "2",
    encrypted: (value) => typeof value === "boolean",
    remoteAddress: isAddress,
    peerAddress: isAddress,
    localAddress: isAddress,
    tls: (value) => value === null || (isObject(value) && typeof member(value, "version") === "string"),
    completed: isPromiseLike,
    waitUntil: (value) => typeof value === "function",
  };
  for (const [name, test] of Object.entries(tests)) {
    const value = member(exchange, name);
    if (!test(value)) report.now("exchange-member", `${name}: ${show(value)}`);
  }
  const draining = member(exchange, "draining");
  if (!isAbortSignal(draining)) report.now("draining-kind", show(draining));
}

function isAddress(value: unknown): boolean {
  if (value === null) return true;
  if (!isObject(value)) return false;
  if (member(value, "transport") === "unix") return typeof member(value, "path") === "string";
  return (
    member(value, "transport") === "tcp" &&
    typeof member(value, "hostname") === "string" &&
    typeof member(value, "port") === "number"
  );
}

/** RFC 9112 §3.2: origin-form, absolute-form, asterisk-form; authority-form for CONNECT. */
function checkTarget(report: Reporter, exchange: Exchange, request: IncomingRequest): void {
  const { target } = exchange;
  if (typeof target !== "string") return;
  const form = request.method === "CONNECT" ? /^[^/?#\s]+$|^\// : /^\/|^\*$|^[a-z][a-z0-9+.-]*:\/\//i;
  if (!form.test(target) || /[#\s]/.test(target)) report.now("exchange-target", show(target));
}

function checkCapabilities(report: Reporter, exchange: Exchange, request: IncomingRequest): void {
  for (const name of ["sendInformational", "upgradeWebSocket"]) {
    const value = member(exchange, name);
    if (value !== undefined && typeof value !== "function") report.now("capability-kind", `${name}: ${show(value)}`);
  }
  if (exchange.protocol === "1.0" && exchange.sendInformational !== undefined) {
    report.now("informational-http10", "a function for an HTTP/1.0 request");
  }
  if (exchange.upgradeWebSocket !== undefined && !isHandshake(exchange, request)) {
    report.now("upgrade-without-handshake", `a function for a ${show(request.method)} request that is not a handshake`);
  }
}

/** RFC 6455 §4.2.1, and RFC 8441 §4 for HTTP/2, whose `:protocol` is not in the request. */
function isHandshake(exchange: Exchange, request: IncomingRequest): boolean {
  if (exchange.protocol === "2") return request.method === "CONNECT";
  return (
    request.method === "GET" &&
    request.headers.get("upgrade")?.toLowerCase().includes("websocket") === true &&
    request.headers.has("sec-websocket-key")
  );
}

function upgrade(report: Reporter, exchange: Exchange, request: IncomingRequest, options?: WebSocketOptions) {
  const protocol = options?.protocol;
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",").map((name) => name.trim());
  if (protocol !== undefined && !offered.includes(protocol)) report.now("upgrade-protocol", show(protocol));
  checkedFields(report, options?.headers);
  // This method exists only if the capability does.
  const accepted = exchange.upgradeWebSocket?.(options) as NonNullable<
    ReturnType<NonNullable<Exchange["upgradeWebSocket"]>>
  >;
  const { socket, response } = accepted;
  if (!isObject(socket) || typeof member(socket, "send") !== "function") {
    report.now("upgrade-result", `a socket that is ${show(socket)}`);
  } else if (socket.readyState !== 0 || socket.binaryType !== "arraybuffer") {
    report.now("upgrade-result", `readyState ${socket.readyState} and binaryType ${show(socket.binaryType)}`);
  } else if (response.status !== 101) report.now("upgrade-result", `a response with status ${show(response.status)}`);
  return accepted;
}
