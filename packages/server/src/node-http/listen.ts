/** The server on node:http, node:https and node:http2: its listener and connections, run like those of the socket server. */
import type { Http2Session } from "node:http2";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { NodeHost } from "@tsgi/gateway-spec/server-kit/node";
import { checkOptions, NODE_OPTIONS, type NodeServeOptions } from "../options.ts";
import type { Clock } from "../runtime/clock.ts";
import { UnorderedList } from "../runtime/unordered-list.ts";
import { type Runtime, runServer, type Transport } from "../runtime/run-server.ts";
import type { Certificates } from "../tls/certificates.ts";
import { VERSION } from "../version.ts";
import type { Http1Connection } from "./http1-connection.ts";
import type { Http2Connection } from "./http2-connection.ts";
import { connectionOf, createListener, type NodeContext } from "./listener.ts";
import { HeadChecker } from "./request-head.ts";

/** @param clock moved by hand in tests; node's own timeouts do not follow it. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: NodeServeOptions,
  clock: Clock,
): Promise<Server> {
  checkOptions(options, NODE_OPTIONS);
  const create = (runtime: Runtime, certificates: Certificates | null) =>
    createTransport(runtime, certificates, options);
  return runServer(application, options, `tsgi-node/${VERSION}`, create, clock);
}

function createTransport(runtime: Runtime, certificates: Certificates | null, options: NodeServeOptions): Transport {
  const { lifespan, limits } = runtime;
  const context: NodeContext = Object.assign(runtime, {
    host: {
      lifespan,
      maxBodyBytes: limits.maxBodyBytes,
      maxDrainBytes: limits.maxDrainBytes,
      onUpgrade: (exchange, response) => {
        connectionOf(exchange.req.socket)?.openWebSocket(exchange, response);
      },
    } satisfies NodeHost,
    heads: new HeadChecker(limits, limits.maxBodyBytes),
    connections: new UnorderedList<Http1Connection>(),
    sessions: new Map<Http2Session, Http2Connection>(),
  });
  const listening = createListener(context, certificates, options);
  return { ...listening, connections: () => [...context.connections, ...context.sessions.values()] };
}
