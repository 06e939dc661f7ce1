/** One exchange on the HTTP server of a host: what the contract asks for beside the `Request` and the `Response`. */
import type { Address, Exchange, OutgoingResponse } from "@tsgi/gateway-spec";
import { cancelUnsentBody, contentTimeout, type HandlerScope, responseTimeout } from "@tsgi/gateway-spec/server-kit";
import { FetchExchange, type FetchHost } from "@tsgi/gateway-spec/server-kit/fetch";
import { offerSocket, upgradeFields } from "../websocket/offer.ts";
import type { HostUpgrade } from "./websocket.ts";

/** What the exchanges of one server share. */
export interface FetchRuntime extends FetchHost {
  readonly encrypted: boolean;
  readonly bodyTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly scope: HandlerScope;
  readonly exchanges: Set<RuntimeExchange>;
  /** Sockets that are open. */
  readonly sockets: Set<HostUpgrade>;
  /** The server's end of every connection; `null` where it listens on all addresses of the machine. */
  localAddress: Address | null;
  /** Coarse milliseconds since the start, as of the last sweep. */
  now: number;
}

export abstract class RuntimeExchange extends FetchExchange {
  /** Set where the request is a handshake. */
  declare upgradeWebSocket?: NonNullable<Exchange["upgradeWebSocket"]>;
  readonly #runtime: FetchRuntime;
  #upgrade: HostUpgrade | null = null;
  /** The request content failed: what follows it on the connection cannot be read. */
  #isLast = false;
  /** When the client was last seen to send or to read, or the server did not wait for it. */
  #activeAt: number;
  #piecesSeen = -1;
  #waitedFor: "content" | "reader" | null = null;

  constructor(runtime: FetchRuntime, request: Request) {
    super(runtime, request);
    this.#runtime = runtime;
    this.#activeAt = runtime.now;
  }

  abstract override readonly peerAddress: Address | null;

  get encrypted(): boolean {
    return this.#runtime.encrypted;
  }

  get localAddress(): Address | null {
    return this.#runtime.localAddress;
  }

  /** Runs the handler, unless the request is a handshake that the server refuses. */
  start(): void {
    this.#runtime.exchanges.add(this);
    const { logger } = this.lifespan;
    const { request } = this;
    const refusal = offerSocket(request, this, (handshake, options) => {
      this.#upgrade = this.createUpgrade({ handshake, url: request.url, options, logger });
      return this.#upgrade;
    });
    if (refusal === null) this.run(this.#runtime.scope);
    else this.respond(refusal);
  }

  /** Ends an exchange whose client sends or reads nothing. The running time of the handler does not count (TSGI-42). */
  sweep(now: number): void {
    const { waitingFor, pieces } = this;
    if (waitingFor === null || waitingFor !== this.#waitedFor || pieces !== this.#piecesSeen) {
      this.#activeAt = now;
      this.#waitedFor = waitingFor;
      this.#piecesSeen = pieces;
      return;
    }
    const { bodyTimeoutMs, sendTimeoutMs } = this.#runtime;
    const idleMs = now - this.#activeAt;
    if (waitingFor === "content" && idleMs > bodyTimeoutMs) {
      this.#isLast = true;
      this.content?.fail(contentTimeout());
    } else if (waitingFor === "reader" && idleMs > sendTimeoutMs) {
      this.abort(responseTimeout());
    }
  }

  override succeed(): void {
    super.succeed();
    this.#over();
  }

  override fail(error: Parameters<FetchExchange["fail"]>[0]): void {
    super.fail(error);
    this.#over();
  }

  /** @throws TypeError for a protocol that the client did not offer. */
  protected abstract createUpgrade(accepted: ConstructorParameters<typeof HostUpgrade>[0]): HostUpgrade;

  /** Completes the handshake and gives the host what it awaits. @throws what the host throws. */
  protected abstract openSocket(upgrade: HostUpgrade, fields: readonly (readonly [string, string])[]): void;

  protected override finishHeaders(headers: Headers): void {
    if (this.#isLast || this.lifespan.isDraining) headers.set("connection", "close");
  }

  protected override send(response: OutgoingResponse): void {
    const upgrade = this.#upgrade;
    if (response.status !== 101 || upgrade === null) {
      super.send(response);
      return;
    }
    const fields = upgradeFields(response.headers);
    const { sockets } = this.#runtime;
    upgrade.onClose = () => sockets.delete(upgrade);
    this.handedOver = true;
    this.openSocket(upgrade, fields);
    sockets.add(upgrade);
    cancelUnsentBody(response.body);
  }

  #over(): void {
    this.#runtime.exchanges.delete(this);
  }
}
