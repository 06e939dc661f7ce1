/** Opens the connection of a client, TCP or TLS, with a deadline. */
import { once } from "node:events";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Address } from "../index.ts";
import { ConformanceError, type Waits } from "./expect.ts";
import type { Protocol } from "./wire.ts";

/** What a wire takes from its case. */
export interface WireOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean;
  readonly authority: string;
  readonly base: string;
  readonly waits: Waits;
}

export interface OpenSocket {
  readonly socket: Socket;
  /** The socket below TLS, or the same socket. */
  readonly tcp: Socket;
  /** What the server has selected by ALPN; `null` without TLS, and where it has selected nothing. */
  readonly selected: string | null;
}

/** @param offered protocols in the order of preference. The kit accepts any certificate. */
export async function openSocket(options: WireOptions, offered: readonly Protocol[]): Promise<OpenSocket> {
  const { host, port, tls = false, authority, waits } = options;
  // Cases of HTTP/1.1 end one side of a connection. Clients of HTTP/2 end a stream in place of that.
  const tcp = connect({ host, port, allowHalfOpen: offered.includes("http/1.1"), noDelay: true });
  const where = `${tls ? "https://" : ""}${authority}`;
  const opened = async (): Promise<OpenSocket> => {
    try {
      await once(tcp, "connect");
      if (!tls) return { socket: tcp, tcp, selected: null };
      const socket = await handshake(tcp, host, offered);
      return { socket, tcp, selected: socket.alpnProtocol === false ? null : socket.alpnProtocol };
    } catch (cause) {
      throw new ConformanceError(`cannot connect to ${where}: ${reasonOf(cause)}`, { cause });
    }
  };
  try {
    return await waits.within(opened(), `a connection to ${where}`);
  } catch (error) {
    tcp.destroy();
    throw error;
  }
}

async function handshake(tcp: Socket, host: string, offered: readonly Protocol[]): Promise<TLSSocket> {
  const socket = connectTls({
    socket: tcp,
    // RFC 6066 §3: SNI has no IP addresses. An empty name keeps node:http2 of Deno from starting a session.
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: [...offered],
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  return socket;
}

/** The addresses of both ends of a connection. */
export function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): {
  readonly client: Address;
  readonly server: Address;
} {
  return {
    client: { transport: "tcp", hostname: localAddress ?? "", port: localPort ?? 0 },
    server: { transport: "tcp", hostname: remoteAddress ?? "", port: remotePort ?? 0 },
  };
}

/** The reason of a failed connection. The error of a name with several addresses has no message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
