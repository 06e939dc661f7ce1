/**
 * An application behind proxies: `remoteAddress`, `encrypted` and `request.url` are those of the client (TSGI-28). Nothing is read
 * where no proxy is trusted, which is the default: a client could else choose its own address. The fields themselves are left as
 * they were received.
 */
import type { Address, Application, Exchange, Handler, HeaderView, IncomingRequest, TlsInfo } from "@tsgi/gateway-spec";
import { type ForwardedElement, type ForwardedHeader, forwardedElements } from "./forwarded.ts";
import { findClient, type TrustedProxies } from "./trust.ts";

/** Which proxies are trusted, and how they name the client. */
export interface ProxyOptions {
  /** The proxies, by address or number. See {@link TrustedProxies}. */
  readonly trusted: TrustedProxies;
  /** Which fields the proxies write. Default `x-forwarded`: `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`. */
  readonly header?: ForwardedHeader;
  /**
   * Each connection begins with a header of the PROXY protocol, version 1 or 2, that names the client. Other connections are closed,
   * and so are peers that are not in the list {@link trusted}. Default false.
   */
  readonly proxyProtocol?: boolean;
}

/** @throws TypeError for what is no proxy, and for the PROXY protocol without a list of proxies. */
export function behindProxies<State>(
  application: Application<State> | Handler,
  { trusted, header = "x-forwarded", proxyProtocol = false }: ProxyOptions,
): Application<State> {
  if (proxyProtocol && typeof trusted === "number") {
    throw new TypeError(
      "proxies.proxyProtocol needs the addresses of the proxies in proxies.trusted, not their number",
    );
  }
  const find = findClient(trusted);
  const app: Application<State> = typeof application === "function" ? { fetch: application } : application;
  return {
    ...(app.startup !== undefined && { startup: (server) => app.startup?.(server) as State }),
    ...(app.shutdown !== undefined && { shutdown: (state) => app.shutdown?.(state) }),
    fetch: (request, exchange) => {
      const client = find(exchange.remoteAddress, forwardedElements(request.headers, header));
      if (client === null) return app.fetch(request, exchange);
      return app.fetch(new ProxiedRequest(request, client), new ProxiedExchange(exchange, client));
    },
  };
}

/** Each member goes to the server's own request, which makes it when it is asked for. */
class ProxiedRequest implements IncomingRequest {
  readonly #request: IncomingRequest;
  readonly #client: ForwardedElement;

  constructor(request: IncomingRequest, client: ForwardedElement) {
    this.#request = request;
    this.#client = client;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    const { proto, host } = this.#client;
    const { url } = this.#request;
    const authorityStart = url.indexOf("//") + 2;
    const pathStart = url.indexOf("/", authorityStart);
    const scheme = proto ?? url.slice(0, authorityStart - 3);
    return `${scheme}://${host ?? url.slice(authorityStart, pathStart)}${url.slice(pathStart)}`;
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

  get trailers(): Promise<HeaderView> {
    // An absent capability is an absent member; the type of a getter cannot say so.
    return this.#request.trailers as Promise<HeaderView>;
  }
}

class ProxiedExchange<State> implements Exchange<State> {
  readonly #exchange: Exchange<State>;
  readonly #client: ForwardedElement;
  /** Only where the server has them: an absent member is an absent capability (TSGI-32). */
  declare readonly sendInformational?: NonNullable<Exchange["sendInformational"]>;
  declare readonly upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;

  constructor(exchange: Exchange<State>, client: ForwardedElement) {
    this.#exchange = exchange;
    this.#client = client;
    if (exchange.sendInformational !== undefined) {
      this.sendInformational = (status, headers) => exchange.sendInformational?.(status, headers);
    }
    if (exchange.upgradeWebSocket !== undefined) {
      this.upgradeWebSocket = exchange.upgradeWebSocket.bind(exchange);
    }
  }

  /** The port is the one of the connection to the proxy: a proxy does not forward the client's. */
  get remoteAddress(): Address | null {
    const { client } = this.#client;
    const { remoteAddress } = this.#exchange;
    if (client === null) return remoteAddress;
    return { transport: "tcp", hostname: client, port: remoteAddress?.transport === "tcp" ? remoteAddress.port : 0 };
  }

  get encrypted(): boolean {
    const { proto } = this.#client;
    return proto === null ? this.#exchange.encrypted : proto === "https";
  }

  get target(): string {
    return this.#exchange.target;
  }

  get protocol(): Exchange["protocol"] {
    return this.#exchange.protocol;
  }

  get peerAddress(): Address | null {
    return this.#exchange.peerAddress;
  }

  get localAddress(): Address | null {
    return this.#exchange.localAddress;
  }

  get tls(): TlsInfo | null {
    return this.#exchange.tls;
  }

  get state(): State {
    return this.#exchange.state;
  }

  get draining(): AbortSignal {
    return this.#exchange.draining;
  }

  get completed(): Promise<void> {
    return this.#exchange.completed;
  }

  readonly waitUntil = (work: Promise<unknown>): void => {
    this.#exchange.waitUntil(work);
  };
}
