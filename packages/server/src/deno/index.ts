/**
 * The server on the HTTP server of Deno, `Deno.serve`.
 *
 * @module @tsgi/server/deno
 */
import type { Address, Application, Handler, Server } from "@tsgi/gateway-spec";
import { tcpAddress } from "@tsgi/gateway-spec/server-kit";
import { type FetchRuntime, RuntimeExchange } from "../fetch-host/exchange.ts";
import { checkHostOptions, FETCH_HOST_OPTIONS, type FetchHostOptions } from "../fetch-host/options.ts";
import { type HostAddress, type HostCertificate, type HostListener, runFetchServer } from "../fetch-host/run.ts";
import { HostUpgrade } from "../fetch-host/websocket.ts";
import { VERSION } from "../version.ts";
import { type Deno, type DenoServeInfo, requireDeno } from "./deno.ts";
import { openDenoSocket } from "./websocket.ts";

export type { FetchHostOptions } from "../fetch-host/options.ts";
export type { ProxyOptions } from "../proxy/behind-proxies.ts";
export type { TlsCertificate } from "../tls/options.ts";

/** The options of the Deno server. {@link FetchHostOptions} says which of the other servers' are missing. */
export interface DenoServeOptions extends FetchHostOptions {}

/**
 * Serves an application on `Deno.serve`. Rejects with what its `startup` threw, with Deno's error where it cannot listen, with an
 * `OptionError` for an option that does not exist or that Deno does not give, and with a `RuntimeError` elsewhere than on Deno.
 */
export async function serve<State>(
  application: Application<State> | Handler,
  options: DenoServeOptions = {},
): Promise<Server> {
  checkHostOptions(options, "Deno.serve", FETCH_HOST_OPTIONS);
  const deno = requireDeno();
  const listen = (runtime: FetchRuntime, where: HostAddress, certificate: HostCertificate | null): HostListener => {
    const server = deno.serve(
      {
        ...where,
        ...(certificate !== null && certificate),
        onListen: () => undefined,
        // The body of a response has failed: the exchange has logged it.
        onError: () => new Response(null, { status: 500 }),
      },
      (request, info) => {
        const exchange = new DenoExchange(runtime, request, info, deno);
        exchange.start();
        return exchange.response;
      },
    );
    const { addr } = server;
    return {
      address: addr.transport === "tcp" ? { transport: "tcp", hostname: addr.hostname, port: addr.port } : addr,
      stop: () => server.shutdown(),
      // Deno cannot end a connection while it shuts down: its signal throws then. Failed exchanges end theirs.
      destroy: () => Promise.resolve(),
    };
  };
  return runFetchServer(application, options, `tsgi-deno/${VERSION}`, listen);
}

class DenoExchange extends RuntimeExchange {
  readonly #info: DenoServeInfo;
  readonly #deno: Deno;

  constructor(runtime: FetchRuntime, request: Request, info: DenoServeInfo, deno: Deno) {
    super(runtime, request);
    this.#info = info;
    this.#deno = deno;
  }

  get peerAddress(): Address | null {
    const { remoteAddr } = this.#info;
    return remoteAddr.transport === "tcp" ? tcpAddress(remoteAddr.hostname, remoteAddr.port) : null;
  }

  /** Deno aborts the signal on success too. The stream of a response whose client is gone is cancelled. */
  protected override abortedByHost(reason: unknown): void {
    if (!this.handedOver) super.abortedByHost(reason);
  }

  protected override createUpgrade(accepted: ConstructorParameters<typeof HostUpgrade>[0]): HostUpgrade {
    return new HostUpgrade(accepted);
  }

  protected override openSocket(upgrade: HostUpgrade, fields: readonly (readonly [string, string])[]): void {
    const response = openDenoSocket(this.#deno, this.source, upgrade);
    for (const [name, value] of fields) response.headers.append(name, value);
    this.give(response);
  }
}
