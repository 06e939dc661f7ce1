/**
 * Applications within an application. One rule holds on every host, whether Express, Hono or an App mounts an application: the
 * path of `request.url` is the mounted application's own, without the prefix, and `exchange.target` is what was received.
 */
import type {
  Application,
  Exchange,
  Handler,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  ServerInfo,
  WebSocketOptions,
  WebSocketUpgrade,
} from "@tsgi/gateway-spec";
import { shareData } from "./request-key.ts";
import { pathOf, withPath } from "./router/request-path.ts";

/** A request under another path. */
export class MovedRequest implements IncomingRequest {
  readonly url: string;
  /** The prefix in front of the path, as received. */
  readonly base: string;
  declare readonly trailers?: Promise<HeaderView>;
  readonly #request: IncomingRequest;

  constructor(request: IncomingRequest, path: string, base: string) {
    this.url = withPath(request.url, path);
    this.base = base;
    this.#request = request;
    if ("trailers" in request) Object.defineProperty(this, "trailers", { get: () => request.trailers });
  }

  get method(): string {
    return this.#request.method;
  }
  get headers(): HeaderView {
    return this.#request.headers;
  }
  get body(): AsyncIterable<Uint8Array> | null {
    return this.#request.body;
  }
  get signal(): AbortSignal {
    return this.#request.signal;
  }
}

/** The prefix below which a request's application is mounted: `/shop`, or `""`. */
export function baseOf(request: IncomingRequest, { target }: Exchange): string {
  if (request instanceof MovedRequest) return request.base;
  const path = pathOf(request.url);
  const received = target.startsWith("/") ? (target.split("?", 1)[0] ?? "") : pathOf(target);
  if (received === path) return "";
  if (received.endsWith(path)) return received.slice(0, -path.length);
  // Below "/shop" the path of "/shop" itself is "/".
  return path === "/" ? received : "";
}

/** The request as an application below its first `segments` segments sees it. */
export function belowPrefix(request: IncomingRequest, exchange: Exchange, segments: number): IncomingRequest {
  const path = pathOf(request.url);
  let end = 0;
  for (let i = 0; i < segments && end !== -1; i += 1) end = path.indexOf("/", end + 1);
  if (segments === 0) end = 0;
  const prefix = end === -1 ? path : path.slice(0, end);
  const rest = end === -1 ? "/" : path.slice(end);
  return new MovedRequest(request, rest, baseOf(request, exchange) + prefix);
}

/** The applications that an application has mounted, with the state of each. */
export class Mounts {
  readonly #applications = new Set<Application>();
  /** By the state of the outer application, which may run on several servers. Servers whose state is the same share these too. */
  readonly #runs = new Map<unknown, Run>();

  /** @returns the handler of the application, which gets its own state. */
  add<State>(application: Application<State> | Handler): Handler {
    if (typeof application === "function") return application;
    const mounted = application as unknown as Application;
    this.#applications.add(mounted);
    // Called as a method: an application may be an object of a class.
    if (mounted.startup === undefined) return (request, exchange) => mounted.fetch(request, exchange);
    return (request, exchange) => {
      const state = this.#runs.get(exchange.state)?.states.get(mounted);
      return mounted.fetch(request, new MountedExchange(exchange, state));
    };
  }

  /** Starts every mounted application. Where one fails, those that have started are shut down. */
  async startup(server: ServerInfo, outerState: unknown): Promise<void> {
    let run = this.#runs.get(outerState);
    if (run === undefined) {
      const states = new Map<Application, unknown>();
      run = { servers: 0, states, started: this.#start(server, states) };
      this.#runs.set(outerState, run);
    }
    run.servers += 1;
    try {
      await run.started;
    } catch (error) {
      this.#runs.delete(outerState);
      throw error;
    }
  }

  /** Shuts them down in reverse order, all of them, with the last server. @throws what the first one to fail threw. */
  async shutdown(outerState: unknown): Promise<void> {
    const run = this.#runs.get(outerState);
    if (run === undefined) return;
    run.servers -= 1;
    if (run.servers > 0) return;
    this.#runs.delete(outerState);
    await shutDown(run.states);
  }

  async #start(server: ServerInfo, states: Map<Application, unknown>): Promise<void> {
    for (const application of this.#applications) {
      try {
        states.set(application, await application.startup?.(server));
      } catch (error) {
        await shutDown(states).catch(() => undefined);
        throw error;
      }
    }
  }
}

/** The mounted applications, started once for a state of the outer application. */
interface Run {
  servers: number;
  readonly states: ReadonlyMap<Application, unknown>;
  readonly started: Promise<void>;
}

async function shutDown(states: Run["states"]): Promise<void> {
  const errors: unknown[] = [];
  for (const [application, state] of [...states].toReversed()) {
    try {
      await application.shutdown?.(state);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** As `requestIdOf` of the contract knows it. */
const WRAPPED: unique symbol = Symbol.for("tsgi.exchange.wrapped");

/** The exchange of the server, behind those of mounted applications. */
export function serverExchange(exchange: Exchange): Exchange {
  return exchange instanceof MountedExchange ? exchange[WRAPPED] : exchange;
}

/** The exchange of a mounted application that has a state of its own. */
class MountedExchange implements Exchange {
  readonly state: unknown;
  /** The server's own exchange: what is noted of one counts for both. */
  readonly [WRAPPED]: Exchange;
  declare readonly sendInformational?: (status: number, headers?: HeaderFields) => void;
  declare readonly upgradeWebSocket?: (options?: WebSocketOptions) => WebSocketUpgrade;
  readonly #outer: Exchange;

  constructor(outer: Exchange, state: unknown) {
    this.#outer = outer;
    this.state = state;
    this[WRAPPED] = serverExchange(outer);
    shareData(this, outer);
    // An absent member is an absent capability.
    if (outer.sendInformational !== undefined) {
      this.sendInformational = (status, headers) => outer.sendInformational?.(status, headers);
    }
    if (outer.upgradeWebSocket !== undefined) this.upgradeWebSocket = outer.upgradeWebSocket.bind(outer);
  }

  get target(): string {
    return this.#outer.target;
  }
  get protocol(): Exchange["protocol"] {
    return this.#outer.protocol;
  }
  get encrypted(): boolean {
    return this.#outer.encrypted;
  }
  get remoteAddress(): Exchange["remoteAddress"] {
    return this.#outer.remoteAddress;
  }
  get peerAddress(): Exchange["peerAddress"] {
    return this.#outer.peerAddress;
  }
  get localAddress(): Exchange["localAddress"] {
    return this.#outer.localAddress;
  }
  get tls(): Exchange["tls"] {
    return this.#outer.tls;
  }
  get draining(): AbortSignal {
    return this.#outer.draining;
  }
  get completed(): Promise<void> {
    return this.#outer.completed;
  }
  waitUntil(work: Promise<unknown>): void {
    this.#outer.waitUntil(work);
  }
}

/** Which application has a host name: exact names first, then `*.example.com` for the names one label below it. */
export class Hosts {
  readonly #handlers = new Map<string, Handler>();

  add(name: string, handler: Handler): void {
    this.#handlers.set(name.toLowerCase().replace(/:\d+$/, ""), handler);
  }

  find(url: string): Handler | undefined {
    const host = /^https?:\/\/(\[[^\]]*\]|[^/?:]*)/.exec(url)?.[1]?.toLowerCase() ?? "";
    return this.#handlers.get(host) ?? this.#handlers.get(`*${host.slice(Math.max(0, host.indexOf(".")))}`);
  }
}
