/** What a socket knows of its two ends, in the contract's words. */
import type { TLSSocket } from "node:tls";
import type { Address, ClientCertificate, TlsInfo } from "@tsgi/gateway-spec";

/** `null` where the socket is closed, or has no address as a Unix domain socket's client has none. */
export function socketAddress(hostname: string | undefined, port: number | undefined): Address | null {
  if (hostname === undefined || port === undefined) return null;
  // On a dual-stack socket the system writes an IPv4 peer as ::ffff:127.0.0.1 (RFC 4291 §2.5.5.2).
  return { transport: "tcp", hostname: hostname.startsWith("::ffff:") ? hostname.slice(7) : hostname, port };
}

/** `null` where the socket is closed, and has forgotten. */
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
  // Node gives an empty object where there is none.
  if (certificate.raw === undefined) return null;
  const { CN } = certificate.subject;
  return {
    authorized: socket.authorized,
    subject: (Array.isArray(CN) ? CN[0] : CN) ?? null,
    fingerprint256: certificate.fingerprint256,
    raw: certificate.raw,
  };
}
