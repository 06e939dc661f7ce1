/** `toNode`: our applications as a listener of node:http, or as middleware of Express. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application, Handler, Logger } from "../../index.ts";
import { createLifespan, type Hosted } from "../lifespan.ts";
import { handleExchange, NodeExchange, type NodeHost } from "./exchange.ts";

export interface ToNodeOptions {
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
  /** Longest request content, in bytes. Default: none, for limits are the host's. */
  readonly maxBodyBytes?: number;
  /** Unread request content, in bytes, that is read away after the response; beyond it the connection closes. Default 64 KiB. */
  readonly maxDrainBytes?: number;
}

export type NodeListener = ((req: IncomingMessage, res: ServerResponse) => void) & Hosted;

/**
 * Runs an application on node:http, node:https or the compatibility interface of node:http2, alone or mounted in Express, where
 * `request.url` is what Express leaves of the path and `exchange.target` is the target as received.
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
 * `startup` runs at the first request or at `listener.start()`; while it fails, requests get 500. There is no
 * `upgradeWebSocket`: node gives upgrades to another listener.
 */
export function toNode<State>(
  application: Application<State> | Handler,
  { logger = console, maxBodyBytes = Number.POSITIVE_INFINITY, maxDrainBytes = 64 * 1024 }: ToNodeOptions = {},
): NodeListener {
  const info = { software: "tsgi-to-node/0.1.0", specVersion: "1.0" };
  const lifespan = createLifespan(application, info, (message, error) => {
    logger.error(message, error);
  });
  const { handler, draining, waitUntil } = lifespan;
  const host: NodeHost = {
    get state() {
      return lifespan.state;
    },
    draining,
    waitUntil,
    logger,
    maxBodyBytes,
    maxDrainBytes,
  };
  const listener = (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = new NodeExchange(req, res, host);
    if (lifespan.started) {
      handleExchange(exchange, handler);
      return;
    }
    lifespan.start().then(
      () => handleExchange(exchange, handler),
      (error: unknown) => exchange.handlerFailed(error),
    );
  };
  return Object.assign(listener, { start: lifespan.start, close: lifespan.close });
}
