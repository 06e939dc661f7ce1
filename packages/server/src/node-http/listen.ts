/** The server loop on node:http: accepts connections, sweeps them, and shuts down in order. */
import { Server as NetServer, type Socket } from "node:net";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { NodeHost } from "@tsgi/gateway-spec/node";
import { Crowd } from "../crowd.ts";
import { type Life, SPEC_VERSION, start, STDERR_LOGGER } from "../lifecycle.ts";
import { bind, boundAddress, deadline, serverUrl } from "../listening.ts";
import {
  DEFAULT_LIMITS,
  DEFAULT_SHUTDOWN_TIMEOUT_MS,
  SWEEP_MS,
  type Limits,
  type NodeServeOptions,
} from "../options.ts";
import { type Clock, everySweep } from "../runtime/clock.ts";
import { Certificates } from "../tls/certificates.ts";
import type { Http1Connection } from "./http1-connection.ts";
import { HeadChecker } from "./request-head.ts";
import type { Http2Connection } from "./http2-connection.ts";
import { createListener, type Listening, type NodeContext } from "./listener.ts";

/** @param clock moved by hand in tests; node's own time-outs do not follow it. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: NodeServeOptions,
  clock: Clock,
): Promise<Server> {
  const logger = options.logger ?? STDERR_LOGGER;
  const certificates = options.tls === undefined ? null : await Certificates.load(options.tls, options, logger);
  const limits: Limits = { ...DEFAULT_LIMITS, ...options };
  const life = await start(application, { software: "tsgi-node/0.1.0", specVersion: SPEC_VERSION }, logger);
  const connections = new Map<Socket, Http1Connection>();
  const host: NodeHost = {
    state: life.state,
    draining: life.draining,
    waitUntil: life.waitUntil,
    logger,
    maxBodyBytes: limits.maxBodyBytes,
    maxDrainBytes: limits.maxDrainBytes,
    onUpgrade: (exchange, response) => {
      connections.get(exchange.req.socket)?.open(exchange, response);
    },
  };
  const context: NodeContext = {
    host,
    handler: life.handler,
    limits,
    heads: new HeadChecker(limits),
    connections,
    sessions: new Map(),
    logger,
    crowd: new Crowd(limits.maxConnectionsPerClient),
    now: 0,
  };
  const listening = createListener(context, certificates, options);
  const { listener, front } = listening;
  try {
    await bind(listener, options);
  } catch (error) {
    await life.end(Promise.resolve());
    throw error;
  }
  const stopSweeping = everySweep(clock, SWEEP_MS, (now) => {
    context.now = now;
    for (const connection of connectionsOf(context)) connection.sweep(now);
    front?.sweep(now, life.draining.aborted);
  });

  const address = boundAddress(listener);
  const timeoutMs = options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= shutDown(context, life, listening, timeoutMs, clock).finally(stopSweeping));
  return {
    address,
    url: serverUrl(certificates === null ? "http" : "https", address),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function shutDown(
  context: NodeContext,
  life: Life,
  { listener, front }: Listening,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    // Not http's own close(), which would first cut idle connections that may be about to send a request.
    NetServer.prototype.close.call(listener, () => {
      resolve();
    });
  });
  life.drain();
  for (const connection of connectionsOf(context)) connection.drain();
  const { over, cancel } = deadline(timeoutMs, clock);
  await Promise.race([stopped, over]);
  front?.terminate();
  // The listener is closed a moment before its last connections are.
  await Promise.all(connectionsOf(context).map((connection) => connection.cut()));
  // What it does beside closing: it stops its own clock.
  listener.close(() => undefined);
  try {
    await life.end(over);
  } finally {
    cancel();
  }
}

function connectionsOf({ connections, sessions }: NodeContext): readonly (Http1Connection | Http2Connection)[] {
  return [...connections.values(), ...sessions.values()];
}
