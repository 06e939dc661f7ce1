/**
 * The server on the HTTP server of Bun, `Bun.serve`.
 *
 * @module @tsgi/server/bun
 */
import type { Address, Application, Handler, Server } from "@tsgi/gateway-spec";
import { tcpAddress } from "@tsgi/gateway-spec/server-kit";
import { type FetchRuntime, RuntimeExchange } from "../fetch-host/exchange.ts";
import { checkHostOptions, FETCH_HOST_OPTIONS, type FetchHostOptions } from "../fetch-host/options.ts";
import { type HostAddress, type HostCertificate, type HostListener, runFetchServer } from "../fetch-host/run.ts";
import type { HostUpgrade } from "../fetch-host/websocket.ts";
import { DEFAULT_LIMITS, type LimitOptions } from "../options.ts";
import { VERSION } from "../version.ts";
import type { BunServer, BunSocket } from "./bun.ts";
import { requireBun } from "./bun.ts";
import { BunUpgrade } from "./websocket.ts";

export type { FetchHostOptions } from "../fetch-host/options.ts";
export type { ProxyOptions } from "../proxy/behind-proxies.ts";
export type { TlsCertificate } from "../tls/options.ts";

/** The options of the Bun server. {@link FetchHostOptions} says which of the other servers' are missing. */
export interface BunServeOptions extends FetchHostOptions, Pick<LimitOptions, "keepAliveTimeoutMs"> {}

const OPTIONS: ReadonlySet<string> = new Set([
  ...FETCH_HOST_OPTIONS,
  "keepAliveTimeoutMs" satisfies keyof BunServeOptions,
]);

/** The longest idle timeout that Bun takes, in seconds. */
const MAX_IDLE_SECONDS = 255;

/** Larger than what an application may ask for: the limit of each socket is checked when a message has arrived. */
const MAX_PAYLOAD_BYTES = 128 * 1024 * 1024;

/** Beyond the largest `maxBufferedBytes`, which the socket checks before it sends. */
const NO_BACKPRESSURE_LIMIT = 1024 * 1024 * 1024;

/**
 * Serves an application on `Bun.serve`. Rejects with what its `startup` threw, with Bun's error where it cannot listen (such as
 * `EADDRINUSE`), with an `OptionError` for an option that does not exist or that Bun does not give, and with a `RuntimeError` elsewhere than on Bun.
 */
export async function serve<State>(
  application: Application<State> | Handler,
  options: BunServeOptions = {},
): Promise<Server> {
  checkHostOptions(options, "Bun.serve", OPTIONS);
  const bun = requireBun();
  const keepAliveMs = options.keepAliveTimeoutMs ?? DEFAULT_LIMITS.keepAliveTimeoutMs;
  const idleSeconds = Math.min(Math.ceil(keepAliveMs / 1000), MAX_IDLE_SECONDS);
  const listen = (runtime: FetchRuntime, where: HostAddress, certificate: HostCertificate | null): HostListener => {
    const server = bun.serve({
      ...("path" in where ? { unix: where.path } : where),
      ...(certificate !== null && { tls: certificate }),
      idleTimeout: idleSeconds,
      // The exchange checks the limit, so that the handler may respond.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      fetch: (request, host) => {
        const exchange = new BunExchange(runtime, request, host, idleSeconds);
        exchange.start();
        return exchange.response;
      },
      websocket: {
        idleTimeout: 0,
        maxPayloadLength: MAX_PAYLOAD_BYTES,
        backpressureLimit: NO_BACKPRESSURE_LIMIT,
        open: (socket) => {
          socket.data.opening(socket);
        },
        message: (socket, message) => {
          socket.data.received(message);
          socket.data.alive();
        },
        ping: alive,
        pong: alive,
        drain: (socket) => {
          socket.data.drained();
        },
        close: (socket, code, reason) => {
          socket.data.closed(code, reason);
        },
      },
    });
    return {
      address: addressOf(server, where),
      stop: () => server.stop(),
      destroy: () => server.stop(true),
    };
  };
  return runFetchServer(application, options, `tsgi-bun/${VERSION}`, listen);
}

class BunExchange extends RuntimeExchange {
  readonly #server: BunServer;
  readonly #idleSeconds: number;
  #isUpgraded = false;

  constructor(runtime: FetchRuntime, request: Request, server: BunServer, idleSeconds: number) {
    super(runtime, request);
    this.#server = server;
    this.#idleSeconds = idleSeconds;
    // Bun's idle timeout runs while the handler does, whose running time does not count (TSGI-42).
    server.timeout(request, 0);
  }

  get peerAddress(): Address | null {
    const peer = this.#server.requestIP(this.source);
    return peer === null ? null : tcpAddress(peer.address, peer.port);
  }

  protected override give(response: Response): void {
    // A socket has no request any more.
    if (!this.#isUpgraded) this.#server.timeout(this.source, this.#idleSeconds);
    super.give(response);
  }

  /** Bun adds a Content-Type to bytes, and none to a stream, whose length it sends where the stream is at its end already. */
  protected override toBodyInit(
    bytes: Uint8Array | null,
    headers: Headers,
  ): Uint8Array | ReadableStream<Uint8Array> | null {
    if (bytes === null || headers.has("content-type")) return super.toBodyInit(bytes, headers);
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        if (bytes.byteLength > 0) controller.enqueue(bytes);
        controller.close();
      },
    });
  }

  protected override createUpgrade(accepted: ConstructorParameters<typeof HostUpgrade>[0]): HostUpgrade {
    return new BunUpgrade(accepted);
  }

  protected override openSocket(upgrade: HostUpgrade, fields: readonly (readonly [string, string])[]): void {
    const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]));
    if (upgrade.selectedProtocol !== undefined) headers.set("sec-websocket-protocol", upgrade.selectedProtocol);
    if (!this.#server.upgrade(this.source, { headers, data: upgrade })) {
      throw new TypeError("Bun has not upgraded the connection: the client is gone");
    }
    this.#isUpgraded = true;
    this.upgraded();
    (upgrade as BunUpgrade).open();
  }
}

function alive(socket: BunSocket<BunUpgrade>): void {
  socket.data.alive();
}

function addressOf(server: BunServer, where: HostAddress): Address {
  if ("path" in where) return { transport: "unix", path: where.path };
  return { transport: "tcp", hostname: server.address.address, port: server.address.port };
}
