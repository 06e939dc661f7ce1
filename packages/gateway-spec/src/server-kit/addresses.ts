/** The two ends of a connection and what TLS agreed on, in the words of the contract (TSGI-27, TSGI-28). */
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Address, ClientCertificate, TlsInfo } from "../index.ts";

/** The members of node's socket that are read here. */
export interface SocketLike {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** `null` where one of the two is missing. */
export function tcpAddress(hostname: string | undefined, port: number | undefined): Address | null {
  if (hostname === undefined || port === undefined) return null;
  // On a dual-stack socket the system writes an IPv4 peer as ::ffff:127.0.0.1 (RFC 4291 §2.5.5.2).
  return { transport: "tcp", hostname: hostname.startsWith("::ffff:") ? hostname.slice(7) : hostname, port };
}

/** The client's end; `null` where the socket is closed, and for the client of a Unix domain socket, which has no address. */
export function peerAddress({ remoteAddress, remotePort }: SocketLike): Address | null {
  return tcpAddress(remoteAddress, remotePort);
}

/** Where a socket has the address of its client, if a proxy has named it before the first byte of the client (PROXY protocol). */
export const CLIENT_ADDRESS: unique symbol = Symbol("tsgi.clientAddress");

/** The client of a connection: the peer, or the client that a trusted proxy has named. */
export function clientAddress(socket: SocketLike): Address | null {
  return (socket as { readonly [CLIENT_ADDRESS]?: Address })[CLIENT_ADDRESS] ?? peerAddress(socket);
}

/** The server's end; of a Unix domain socket the path that the server listens on. `null` where the socket is closed. */
export function localAddress(socket: SocketLike): Address | null {
  const { localAddress: hostname, localPort } = socket;
  if (hostname !== undefined) return tcpAddress(hostname, localPort);
  // Node keeps the listener on each accepted socket, and only the listener knows the path.
  const { server } = socket as { readonly server?: { readonly address?: () => unknown } | null };
  const path = server?.address?.();
  return typeof path === "string" ? { transport: "unix", path } : null;
}

/** The address of a listener that listens. */
export function boundAddress(listener: { address(): AddressInfo | string | null }): Address {
  const address = listener.address();
  if (address !== null && typeof address === "object")
    return { transport: "tcp", hostname: address.address, port: address.port };
  // Node does not know the path of an inherited Unix domain socket.
  return { transport: "unix", path: address ?? "" };
}

/** The URL under which a client on this machine finds the server. */
export function serverUrl(scheme: "http" | "https", address: Address): string {
  if (address.transport === "unix") return `${scheme}+unix://${encodeURIComponent(address.path)}/`;
  const { hostname, port } = address;
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** `null` where the socket is closed, for it has forgotten then. */
export function tlsInfo(socket: TLSSocket): TlsInfo | null {
  const version = socket.getProtocol();
  if (version === null || socket.destroyed) return null;
  const name: unknown = "servername" in socket ? socket.servername : undefined;
  return {
    version,
    cipher: socket.getCipher().standardName,
    serverName: typeof name === "string" && name !== "" ? name : null,
    applicationProtocol: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null,
    clientCertificate: clientCertificate(socket),
  };
}

function clientCertificate(socket: TLSSocket): ClientCertificate | null {
  const certificate = socket.getPeerCertificate();
  // Node gives an empty object where the client sent none.
  if (certificate.raw === undefined) return null;
  const { CN } = certificate.subject;
  return {
    authorized: socket.authorized,
    subject: (Array.isArray(CN) ? CN[0] : CN) ?? null,
    fingerprint256: certificate.fingerprint256,
    raw: certificate.raw,
  };
}
