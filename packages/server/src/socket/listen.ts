/** The listener of the socket server: node:net, or node:tls. */
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { HeaderPrefixCache } from "../http1/cache/header-prefix-cache.ts";
import { LastHeadCache } from "../http1/cache/last-head-cache.ts";
import { LastResponseCache } from "../http1/cache/last-response-cache.ts";
import { checkOptions, SOCKET_OPTIONS, type SocketServeOptions } from "../options.ts";
import { type Clock, SYSTEM_CLOCK } from "../runtime/clock.ts";
import { UnorderedList, type Listed } from "../runtime/unordered-list.ts";
import { type Runtime, runServer, type ServedConnection, type Transport } from "../runtime/run-server.ts";
import type { Certificates } from "../tls/certificates.ts";
import { TlsHandshakes } from "../tls/handshakes.ts";
import { VERSION } from "../version.ts";
import { Connection } from "./connection.ts";
import type { ServerContext } from "./context.ts";
import { acceptIntoOneBuffer } from "./shared-reads.ts";

/** @param clock moved by hand in tests. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: SocketServeOptions,
  clock: Clock = SYSTEM_CLOCK,
): Promise<Server> {
  checkOptions(options, SOCKET_OPTIONS);
  const create = (runtime: Runtime, certificates: Certificates | null) =>
    createTransport(runtime, certificates, options.proxies?.proxyProtocol === true, clock.now());
  return runServer(application, options, `tsgi-socket/${VERSION}`, create, clock);
}

/** @param hasPreface whether a proxy sends bytes before the first request: they are read from the stream of the socket. */
function createTransport(
  runtime: Runtime,
  certificates: Certificates | null,
  hasPreface: boolean,
  time: number,
): Transport {
  const context: ServerContext = Object.assign(runtime, {
    encrypted: certificates !== null,
    createCaches: () => ({ prefixes: new HeaderPrefixCache(), heads: new LastHeadCache() }),
    responses: new LastResponseCache(),
    connections: new UnorderedList<ServedConnection & Listed>(),
    dateLine: dateLine(time),
  });
  const shared = {
    connections: () => context.connections,
    beforeSweep: (now: number) => {
      context.dateLine = dateLine(now);
    },
  };
  const { connectionLimit } = context;
  if (certificates === null) {
    const admit = (socket: Socket) => (connectionLimit.admits(socket) ? accept(context, socket) : null);
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const connection = admit(socket);
      if (connection !== null) readByEvents(connection);
    });
    if (!hasPreface) listener.once("listening", () => acceptIntoOneBuffer(listener, admit));
    return { ...shared, listener, handshakes: null };
  }
  // RFC 7301 §3.2: a client that offers protocols, and not this one, is refused.
  const listener = createTlsServer({
    noDelay: true,
    ...certificates.listenerOptions,
    ALPNProtocols: ["http/1.1", "http/1.0"],
  });
  const handshakes = new TlsHandshakes(
    listener,
    certificates,
    context,
    (tcp) => connectionLimit.admits(tcp),
    (socket) => {
      // Not before: a client that ends its side in the middle of a handshake is gone.
      socket.allowHalfOpen = true;
      readByEvents(accept(context, socket));
    },
  );
  return { ...shared, listener, handshakes };
}

function accept(context: ServerContext, socket: Socket): Connection {
  const { connections } = context;
  const connection = new Connection(context, socket);
  connections.add(connection);
  // A handshake may end while the server drains.
  if (context.lifespan.isDraining) connection.drain();
  socket.on("end", () => {
    connection.ended();
  });
  socket.on("drain", () => {
    connection.drained();
  });
  // The 'close' event follows, and `errored` has the error.
  socket.on("error", ignore);
  socket.on("close", () => {
    connection.closed(socket.errored ?? undefined);
  });
  return connection;
}

function readByEvents(connection: Connection): void {
  connection.socket.on("data", (bytes) => {
    // Without setEncoding() a socket gives buffers.
    connection.read(bytes as Buffer);
  });
}

function ignore(): void {
  // An error without a listener would be thrown.
}

function dateLine(now: number): string {
  return `Date: ${new Date(now).toUTCString()}\r\n`;
}
