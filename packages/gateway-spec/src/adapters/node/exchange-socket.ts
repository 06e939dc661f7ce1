/** What `fromNode` gives in place of a connection: it reads back the response, and has the addresses and the TLS of the exchange. */
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import type { Address, Exchange, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { CONNECTION_FIELDS } from "../../server-kit/fields.ts";
import { Pieces } from "../pieces.ts";
import { WireReader } from "./wire-reader.ts";

type Respond = (response: OutgoingResponse) => void;
type Refuse = (error: Error) => void;

/**
 * @param respond called when the head of the response was written.
 * @param refuse called where the socket is destroyed before.
 */
export function createExchangeSocket(
  request: IncomingRequest,
  exchange: Exchange,
  respond: Respond,
  refuse: Refuse,
): ExchangeSocket {
  // A socket of node:net has no `encrypted` and no certificates, so that the members are absent here too.
  const SocketClass = exchange.encrypted ? EncryptedExchangeSocket : ExchangeSocket;
  return new SocketClass(request, exchange, respond, refuse);
}

export class ExchangeSocket extends Duplex {
  protected readonly exchange: Exchange;
  readonly #wire: WireReader;
  readonly #respond: Respond;
  readonly #refuse: Refuse;
  readonly #pieces = new Pieces(() => this.destroy());
  #head: { readonly status: number; readonly headers: readonly [string, string][] } | null = null;
  #trailers: readonly [string, string][] = [];
  #responded = false;

  constructor({ method }: IncomingRequest, exchange: Exchange, respond: Respond, refuse: Refuse) {
    super();
    this.exchange = exchange;
    this.#respond = respond;
    this.#refuse = refuse;
    this.#wire = new WireReader(method, {
      head: (status, lines) => {
        if (status >= 200) this.#head = { status, headers: lines };
        else if (status > 101) exchange.sendInformational?.(status, lines);
      },
      content: (piece) => {
        this.#pieces.push(piece);
      },
      end: (trailers) => {
        this.#trailers = trailers;
        this.#pieces.end();
      },
    });
    // The failure of the response reports an error. Without a listener, it would be an uncaught exception too.
    this.on("error", () => undefined);
  }

  /** Whether the head of the response was written, or is in the buffer of this stream. */
  get hasHead(): boolean {
    return this.#responded || this.writableLength > 0;
  }

  get remoteAddress(): string | undefined {
    return tcp(this.exchange.remoteAddress)?.hostname;
  }

  get remotePort(): number | undefined {
    return tcp(this.exchange.remoteAddress)?.port;
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return tcp(this.exchange.localAddress)?.hostname;
  }

  get localPort(): number | undefined {
    return tcp(this.exchange.localAddress)?.port;
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress);
  }

  /** The local address; an empty object where there is none, as of a socket of node:net that is closed. */
  address(): AddressInfo | Record<string, never> {
    const local = tcp(this.exchange.localAddress);
    if (local === null) return {};
    return { address: local.hostname, family: familyOf(local.hostname) ?? "", port: local.port };
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }

  /** The response was written to its end. */
  finished(): void {
    this.#pieces.end();
  }

  override _read(): void {
    // The content of the request comes through IncomingMessage.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, taken: (error?: Error) => void): void {
    this.#take(bytes, taken);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], taken: (error?: Error) => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), taken);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = error ?? new Error("The listener destroyed the response before its end");
    this.#pieces.fail(reason);
    if (!this.#responded) this.#refuse(reason);
    done(error);
  }

  #take(bytes: Buffer, taken: (error?: Error) => void): void {
    this.#wire.push(bytes);
    if (this.#head !== null && !this.#responded) {
      this.#responded = true;
      const { status, headers } = this.#head;
      this.#respond({
        status,
        headers: headers.filter(([name]) => !CONNECTION_FIELDS.has(name.toLowerCase())),
        // What was written in one turn is sent as a whole.
        body: this.#pieces.isEmpty() ? null : (this.#pieces.whole() ?? this.#pieces),
        ...(headers.some(([name]) => name.toLowerCase() === "trailer") ? { trailers: () => this.#trailers } : {}),
      });
    }
    this.#pieces.whenTaken(taken);
  }
}

/** With the members of node's TLSSocket that applications read. */
class EncryptedExchangeSocket extends ExchangeSocket {
  get encrypted(): true {
    return true;
  }

  /** Whether the client showed a certificate that the server trusts. */
  get authorized(): boolean {
    return this.exchange.tls?.clientCertificate?.authorized ?? false;
  }

  /** The name that the client asked for; `false` where it asked for none, as of node's TLSSocket. */
  get servername(): string | false {
    return this.exchange.tls?.serverName ?? false;
  }

  get alpnProtocol(): string | false {
    return this.exchange.tls?.applicationProtocol ?? false;
  }

  getProtocol(): string | null {
    return this.exchange.tls?.version ?? null;
  }

  /** Both names are the standard one. `undefined` where a proxy ended the TLS connection. */
  getCipher(): { readonly name: string; readonly standardName: string; readonly version: string } | undefined {
    const { tls } = this.exchange;
    return tls === null ? undefined : { name: tls.cipher, standardName: tls.cipher, version: tls.version };
  }

  /** The certificate of the client, without its issuers; an empty object where it showed none. */
  getPeerCertificate(): object {
    return this.getPeerX509Certificate()?.toLegacyObject() ?? {};
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    const certificate = this.exchange.tls?.clientCertificate ?? null;
    return certificate === null ? undefined : new X509Certificate(certificate.raw);
  }
}

function tcp(address: Address | null): Extract<Address, { transport: "tcp" }> | null {
  return address?.transport === "tcp" ? address : null;
}

function familyOf(hostname: string | undefined): string | undefined {
  return hostname === undefined ? undefined : hostname.includes(":") ? "IPv6" : "IPv4";
}
