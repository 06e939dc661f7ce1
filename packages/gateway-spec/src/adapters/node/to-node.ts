/** `toNode`: a TSGI application as a listener of node:http, or as middleware of Express. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application, Handler, Logger } from "../../index.ts";
import { Lifespan, lifespanHandle, type LifespanHandle } from "../../server-kit/lifespan.ts";
import { NodeExchange, type NodeHost } from "../../server-kit/node/exchange.ts";
import { VERSION } from "../../version.ts";

/** The log and the limits of the adapter. */
export interface ToNodeOptions {
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
  /** Longest request content, in bytes. Default: no limit, because limits are the server's. */
  readonly maxBodyBytes?: number;
  /** Unread request content, in bytes, that is read and dropped after the response; beyond it the connection closes. Default 64 KiB. */
  readonly maxDrainBytes?: number;
}

/** A listener for the `request` event of node's servers, with the lifespan of the application. */
export type NodeListener = ((req: IncomingMessage, res: ServerResponse) => void) & LifespanHandle;

/**
 * Runs an application on node:http, node:https or the compatibility interface of node:http2, alone or mounted in Express. In Express,
 * `request.url` has the path below the mount, and `exchange.target` is the target as received.
 *
 * ```ts
 * import { toNode } from "@tsgi/gateway-spec/node";
 * import express from "express";
 *
 * const ours = toNode((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
 * const app = express().use("/ours", ours); // or alone: `createServer(ours)` of node:http
 * export const server = app.listen(Number(process.env["PORT"] ?? 7788), "127.0.0.1");
 * ```
 *
 * `startup` runs at the first request or at `listener.start()`; while it fails, the response to each request is a 500. Response
 * fields replace those that middleware has set under the same name, except for `set-cookie` and `vary`, which are added. There is no
 * `upgradeWebSocket`: node emits upgrades to another listener.
 */
export function toNode<State>(
  application: Application<State> | Handler,
  { logger, maxBodyBytes = Number.POSITIVE_INFINITY, maxDrainBytes = 64 * 1024 }: ToNodeOptions = {},
): NodeListener {
  const lifespan = new Lifespan(application, `tsgi-to-node/${VERSION}`, logger);
  const host: NodeHost = { lifespan, maxBodyBytes, maxDrainBytes };
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = new NodeExchange(req, res, host);
    if (lifespan.started) exchange.run();
    else {
      lifespan.start().then(
        () => exchange.run(),
        (error: unknown) => exchange.handlerFailed(error),
      );
    }
  };
  return Object.assign(listener, lifespanHandle(lifespan));
}
