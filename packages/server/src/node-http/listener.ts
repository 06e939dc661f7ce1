/** The listener of the node server: node:http, node:https or, where clients may choose HTTP/2, node:http2. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { createSecureServer, type Http2Session, type ServerHttp2Session } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { SWEEP_MS, type NodeServeOptions } from "../options.ts";
import type { UnorderedList } from "../runtime/unordered-list.ts";
import type { Transport } from "../runtime/run-server.ts";
import type { Certificates } from "../tls/certificates.ts";
import { TlsHandshakes } from "../tls/handshakes.ts";
import { type ConnectionContext, Http1Connection } from "./http1-connection.ts";
import { Http2Connection } from "./http2-connection.ts";

/** Streams that one client may have open; RFC 9113 §6.5.2 recommends "no smaller than 100". */
const MAX_CONCURRENT_STREAMS = 100;

/** What node is given for a larger limit, such as `Infinity`: it takes integers that its timers and the settings of HTTP/2 can hold. */
const MAX_LIMIT = 2 ** 30;

/** Where a socket has its connection. */
const CONNECTION: unique symbol = Symbol("tsgi.connection");

/** What one server holds. */
export interface NodeContext extends ConnectionContext {
  readonly connections: UnorderedList<Http1Connection>;
  readonly sessions: Map<Http2Session, Http2Connection>;
}

/** The only place that makes node's servers, and so that of `http.serve()`: docs/decisions/0069-adapters-for-the-fetch-server-draft.md. */
export function createListener(
  context: NodeContext,
  certificates: Certificates | null,
  { http2 = true }: NodeServeOptions,
): Pick<Transport, "listener" | "handshakes"> {
  const { limits, connectionLimit } = context;
  const options = {
    noDelay: true,
    // Node does not count the request line and line ends; HeadChecker counts the whole head.
    maxHeaderSize: Math.min(limits.maxHeadBytes, MAX_LIMIT),
    headersTimeout: Math.min(limits.headTimeoutMs, MAX_LIMIT),
    // It would limit the whole request, and with it the time that a handler takes to read. The timeouts here measure idle clients.
    requestTimeout: 0,
    keepAliveTimeout: Math.min(limits.keepAliveTimeoutMs, MAX_LIMIT),
    connectionsCheckingInterval: SWEEP_MS,
    // HeadChecker checks it with the rest of the head, so that status and code are those of the socket server.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // From node 25.1 on: a request without content is not a stream that has to end and close.
    optimizeEmptyRequests: true,
    // From node 24.9 on: node would take the content of a request that asks for another protocol for bytes of that protocol.
    shouldUpgradeCallback: ({ headers, socket }: IncomingMessage) => {
      if (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined) return true;
      connectionOf(socket)?.losesNext();
      return false;
    },
  };
  if (certificates === null) {
    const listener = createServer(options);
    listener.on("connection", (socket) => {
      if (connectionLimit.admits(socket)) accept(context, socket);
    });
    return { listener: prepare(listener, context), handshakes: null };
  }
  const secureOptions = { ...options, ...certificates.listenerOptions };
  const listener = http2
    ? createSecureServer({
        ...secureOptions,
        allowHTTP1: true,
        // Beyond it nghttp2 resets the stream. Our own limit, which is refused with 431, is reached before.
        maxHeaderListPairs: Math.min(2 * limits.maxFields + 8, MAX_LIMIT),
        settings: {
          maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
          maxHeaderListSize: Math.min(2 * (limits.maxHeadBytes + limits.maxTargetBytes), MAX_LIMIT),
        },
      })
    : createHttpsServer({ ...secureOptions, ALPNProtocols: ["http/1.1", "http/1.0"] });
  const handshakes = new TlsHandshakes(
    listener,
    certificates,
    context,
    (tcp) => connectionLimit.admits(tcp),
    (socket) => {
      if (socket.alpnProtocol !== "h2") accept(context, socket);
      // Node creates the session in the same event.
      else listener.once("session", (session: ServerHttp2Session) => acceptSession(context, session, socket));
    },
  );
  // Its HTTP/1.1 side has the options and events of node:http, which node's types do not say. Older versions do not take the options
  // in the constructor.
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
  return { listener: prepare(http, context), handshakes };
}

function prepare(listener: HttpServer, { sessions }: NodeContext): HttpServer {
  // Node drops fields beyond this silently; HeadChecker refuses too many of them with 431.
  listener.maxHeadersCount = 0;
  const handle = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    const session = sessionOf(req);
    const connection = session === null ? connectionOf(req.socket) : sessions.get(session);
    connection?.request(req, res, awaitsContinue);
  };
  listener.on("request", (req, res) => {
    handle(req, res, false);
  });
  listener.on("checkContinue", (req, res) => {
    handle(req, res, true);
  });
  // HeadChecker refuses any other expectation.
  listener.on("checkExpectation", (req, res) => {
    handle(req, res, false);
  });
  const upgrade = (req: IncomingMessage, socket: unknown, head: Buffer) => {
    // node:http2 gives a response in place of the socket.
    if (sessionOf(req) === null) connectionOf(req.socket)?.upgrade(req, head);
    else handle(req, socket as ServerResponse, false);
  };
  // HeadChecker refuses CONNECT; without a listener, node would close the connection.
  listener.on("connect", upgrade);
  listener.on("upgrade", upgrade);
  listener.on("clientError", (error, socket) => {
    connectionOf(socket)?.parserFailed(error);
  });
  return listener;
}

/** The connection on a socket; `undefined` where the limit of connections refused it. */
export function connectionOf(socket: object): Http1Connection | undefined {
  return (socket as { readonly [CONNECTION]?: Http1Connection })[CONNECTION];
}

function sessionOf(req: IncomingMessage): Http2Session | null {
  const { stream } = req as IncomingMessage & { readonly stream?: { readonly session: Http2Session | undefined } };
  return stream?.session ?? null;
}

function accept(context: NodeContext, socket: Socket): void {
  const { connections, lifespan } = context;
  const connection = new Http1Connection(context, socket);
  connections.add(connection);
  Object.assign(socket, { [CONNECTION]: connection });
  // A handshake may end while the server drains.
  if (lifespan.isDraining) connection.drain();
  socket.on("close", () => {
    connections.delete(connection);
    connection.closed();
  });
}

function acceptSession(context: NodeContext, session: ServerHttp2Session, socket: Socket): void {
  const { sessions, lifespan } = context;
  const connection = new Http2Connection(context, session, socket);
  sessions.set(session, connection);
  session.on("close", () => {
    sessions.delete(session);
    connection.closed();
  });
  if (lifespan.isDraining) connection.drain();
}
