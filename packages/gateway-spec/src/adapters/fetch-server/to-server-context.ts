/** `toServerContext`: a TSGI application as a handler object of the Fetch Server API draft. */
import type {
  Address,
  Application,
  Exchange,
  ExchangeError,
  Handler,
  Logger,
  OutgoingResponse,
  WebSocketUpgrade,
} from "../../index.ts";
import { eachField } from "../../server-kit/fields.ts";
import { FetchExchange } from "../../server-kit/fetch/exchange.ts";
import { cancelBody, noContent } from "../../server-kit/response-body.ts";
import { Lifespan, lifespanHandle, type LifespanHandle } from "../../server-kit/lifespan.ts";
import { VERSION } from "../../version.ts";
import { toExchangeError } from "./errors.ts";
import {
  type ConnectContext,
  FALL_THROUGH,
  type HandlerObject,
  PROTOCOL_MARKER,
  PROTOCOL_VERSION,
  type ServerContext,
  type SocketAddress,
} from "./types.ts";

/** The options of {@link toServerContext}. */
export interface ToServerContextOptions {
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/** A handler object of the draft, and the lifespan of the application that it runs. */
export type ServerContextHandler = Required<Pick<HandlerObject, "fetch" | "connect" | typeof Symbol.asyncDispose>> &
  HandlerObject &
  LifespanHandle;

/**
 * Runs an application on a host of the draft.
 *
 * ```ts
 * import { toServerContext } from "@tsgi/gateway-spec/fetch-server";
 *
 * export default toServerContext((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
 * ```
 *
 * `startup` runs at the first request or at `start()`, and `shutdown` by `close()` or `Symbol.asyncDispose`. A WebSocket has the
 * host's limits, and no further fields of the 101: the draft has no place for them. Response trailers are dropped, and `tls` is
 * `null`.
 */
export function toServerContext<State>(
  application: Application<State> | Handler,
  { logger }: ToServerContextOptions = {},
): ServerContextHandler {
  const lifespan = new Lifespan(application, `tsgi-to-server-context/${VERSION}`, logger);
  const run = async (exchange: ContextExchange): Promise<Response | undefined> => {
    try {
      if (!lifespan.started) await lifespan.start();
      exchange.run(null);
    } catch (error) {
      exchange.handlerFailed(error);
    }
    return exchange.response;
  };
  const handle = lifespanHandle(lifespan);
  return {
    [PROTOCOL_MARKER]: PROTOCOL_VERSION,
    ...handle,
    fetch: (ctx) => run(new ContextExchange(lifespan, ctx)),
    connect: async (ctx) => {
      if (ctx.connectProtocol === "websocket") return run(new ConnectExchange(lifespan, ctx));
      // An HTTP/1.1 request that offers another protocol is an ordinary request; CONNECT is none.
      if (ctx.connectProtocol === null || ctx.request.method === "CONNECT") return new Response(null, { status: 501 });
      ctx.deny(FALL_THROUGH);
      return undefined;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

class ContextExchange extends FetchExchange {
  protected readonly context: ServerContext;

  constructor(lifespan: Lifespan, context: ServerContext) {
    // The host limits the content.
    super({ lifespan, maxBodyBytes: Number.POSITIVE_INFINITY }, context.request);
    this.context = context;
  }

  override get protocol(): Exchange["protocol"] {
    return this.context.alpnProtocol === "h2" ? "2" : "1.1";
  }

  get encrypted(): boolean {
    return this.context.encrypted;
  }

  get peerAddress(): Address | null {
    return toAddress(this.context.remoteAddress);
  }

  get localAddress(): Address | null {
    return toAddress(this.context.localAddress);
  }

  /** A server of ours passes its own to a handler object; the draft has none. */
  override get draining(): AbortSignal {
    const { draining } = this.context as { readonly draining?: unknown };
    return draining instanceof AbortSignal ? draining : super.draining;
  }

  override get waitUntil(): Exchange["waitUntil"] {
    const { waitUntil } = this.lifespan;
    return (work) => {
      waitUntil(work);
      // The host may suspend the program when it knows of no work. It reports a rejection that the lifespan has logged.
      this.context.waitUntil(Promise.resolve(work).catch(() => undefined));
    };
  }

  /** A host without informational responses throws, which is no failure of an application that only gives a hint. */
  sendInformational(...[status, headers]: Parameters<NonNullable<Exchange["sendInformational"]>>): void {
    const fields = new Headers();
    if (headers !== undefined) eachField(headers, (name, value) => fields.append(name, value));
    try {
      this.context.sendInformational(status, fields);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }

  protected override abortedByHost(reason: unknown): void {
    this.fail(toExchangeError(reason, "exchange"));
  }

  protected override contentError(error: unknown): ExchangeError {
    return toExchangeError(error, "content");
  }
}

class ConnectExchange extends ContextExchange {
  declare protected readonly context: ConnectContext;
  #upgrade: WebSocketUpgrade | null = null;

  /** The draft's socket is open at once; ours reports it by an event, when the handler can have attached a listener. */
  upgradeWebSocket({ protocol }: { readonly protocol?: string } = {}): WebSocketUpgrade {
    if (this.#upgrade !== null) throw new TypeError("upgradeWebSocket was called twice");
    const socket = this.context.upgradeWebSocket(protocol === undefined ? {} : { protocol: [protocol] });
    socket.binaryType = "arraybuffer";
    queueMicrotask(() => {
      socket.dispatchEvent(new Event("open"));
    });
    this.#upgrade = { socket, response: { status: 101 } };
    return this.#upgrade;
  }

  protected override send(response: OutgoingResponse): void {
    if (this.#upgrade === null) {
      super.send(response);
    } else if (response.status === 101) {
      cancelBody(response.body, noContent());
      this.upgraded();
    } else {
      this.#upgrade.socket.close(1011);
      throw new TypeError("After upgradeWebSocket a host of the Fetch Server API has sent the 101 already");
    }
  }
}

function toAddress({ address, port }: SocketAddress): Address | null {
  return address === "" ? null : { transport: "tcp", hostname: address, port };
}
