/** The listener under the node server: node:http, node:https or, where clients may choose HTTP/2, node:http2. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { createSecureServer, type Http2Session, type ServerHttp2Session } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Crowd } from "../crowd.ts";
import { SWEEP_MS, type NodeServeOptions } from "../options.ts";
import type { Certificates } from "../tls/certificates.ts";
import { TlsHandshakes } from "../tls/handshakes.ts";
import { type ConnectionContext, Http1Connection } from "./http1-connection.ts";
import { Http2Connection } from "./http2-connection.ts";

/** Most streams that one client may have open (RFC 9113 §6.5.2 would not have it below 100). */
const MAX_CONCURRENT_STREAMS = 100;

/** What one server holds. */
export interface NodeContext extends ConnectionContext {
  readonly connections: Map<Socket, Http1Connection>;
  readonly sessions: Map<Http2Session, Http2Connection>;
  readonly crowd: Crowd;
}

/** What listens: with TLS, its front too. */
export interface Listening {
  readonly listener: HttpServer;
  readonly front: TlsHandshakes | null;
}

export function createListener(
  context: NodeContext,
  certificates: Certificates | null,
  { http2 = true }: NodeServeOptions,
): Listening {
  const { limits } = context;
  const options = {
    noDelay: true,
    // It drops the request line and line ends from its count; the rest is checked once the head is whole.
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: limits.headTimeoutMs,
    // It would measure the whole request, a slow handler's reading included; we measure the client's silence.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: SWEEP_MS,
    // Checked together with the rest of the head, for one and the same answer.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // From node 25.1 on: a request without content is no stream that must end and close.
    optimizeEmptyRequests: true,
    // From node 24.9 on: an ordinary request that names a protocol and brings content, which node would give away as the protocol's.
    shouldUpgradeCallback: ({ headers, socket }: IncomingMessage) => {
      if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return true;
      context.connections.get(socket)?.losesRest();
      return false;
    },
  };
  if (certificates === null) {
    const listener = createServer(options);
    listener.on("connection", (socket) => {
      if (admits(context, 0, socket)) accept(context, socket);
      else socket.destroy();
    });
    return { listener: prepare(listener, context), front: null };
  }
  const secureOptions = { ...options, ...certificates.listenerOptions };
  const listener = http2
    ? createSecureServer({
        ...secureOptions,
        allowHTTP1: true,
        // Beyond these nghttp2 cuts the stream. Ours, which are answered, come first.
        maxHeaderListPairs: 2 * limits.maxFields + 8,
        settings: {
          maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
          maxHeaderListSize: 2 * (limits.maxHeadBytes + limits.maxTargetBytes),
        },
      })
    : createHttpsServer({ ...secureOptions, ALPNProtocols: ["http/1.1"] });
  const front: TlsHandshakes = new TlsHandshakes(
    listener,
    certificates,
    context,
    (tcp) => admits(context, front.size, tcp),
    (socket) => {
      if (socket.alpnProtocol === "h2") return;
      accept(context, socket);
    },
  );
  listener.on("session", (session: ServerHttp2Session) => {
    acceptSession(context, session);
  });
  // Its own options and events are those of node:http; node's types do not know, and older versions take no options for HTTP/1.1.
  const { maxHeaderSize, headersTimeout, requestTimeout, keepAliveTimeout, shouldUpgradeCallback } = options;
  const { connectionsCheckingInterval } = options;
  const http = Object.assign(listener as unknown as HttpServer, {
    maxHeaderSize,
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    connectionsCheckingInterval,
    shouldUpgradeCallback,
  });
  return { listener: prepare(http, context), front };
}

function prepare(listener: HttpServer, { connections, sessions }: NodeContext): HttpServer {
  // Node forgets fields beyond this silently; beyond our own limit the answer is 431.
  listener.maxHeadersCount = 0;
  const take = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    const session = sessionOf(req);
    const connection = session === null ? connections.get(req.socket) : sessions.get(session);
    connection?.request(req, res, awaitsContinue);
  };
  listener.on("request", (req, res) => {
    take(req, res, false);
  });
  listener.on("checkContinue", (req, res) => {
    take(req, res, true);
  });
  // Any other expectation is refused with the rest of the head's faults.
  listener.on("checkExpectation", (req, res) => {
    take(req, res, false);
  });
  const change = (req: IncomingMessage, socket: unknown, head: Buffer) => {
    // HTTP/2 gives a response in place of the socket.
    if (sessionOf(req) === null) connections.get(req.socket)?.upgrade(req, head);
    else take(req, socket as ServerResponse, false);
  };
  // CONNECT is refused with the rest of a head's faults; node would cut the connection.
  listener.on("connect", change);
  listener.on("upgrade", change);
  listener.on("clientError", (error, socket) => {
    // The sockets of a server on node:net are of that kind.
    connections.get(socket as Socket)?.broken(error);
  });
  return listener;
}

function sessionOf(req: IncomingMessage): Http2Session | null {
  const { stream } = req as IncomingMessage & { readonly stream?: { readonly session: Http2Session | undefined } };
  return stream?.session ?? null;
}

function admits({ connections, sessions, limits, crowd }: NodeContext, handshakes: number, tcp: Socket): boolean {
  return connections.size + sessions.size + handshakes < limits.maxConnections && crowd.admits(tcp);
}

function accept(context: NodeContext, socket: Socket): void {
  const { connections } = context;
  const connection = new Http1Connection(context, socket);
  connections.set(socket, connection);
  socket.on("close", () => {
    connections.delete(socket);
    connection.closed();
  });
}

function acceptSession(context: NodeContext, session: ServerHttp2Session): void {
  const { sessions, host } = context;
  const connection = new Http2Connection(context, session);
  sessions.set(session, connection);
  session.on("close", () => {
    sessions.delete(session);
    connection.closed();
  });
  // A handshake may end while the server drains.
  if (host.draining.aborted) connection.drain();
}
