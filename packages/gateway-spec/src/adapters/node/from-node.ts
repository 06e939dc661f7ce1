/**
 * `fromNode`: a `(req, res)` listener, such as an Express app, as a TSGI application.
 *
 * Express gives `req` and `res` its own prototypes, which inherit from node's. So they are node's own IncomingMessage and
 * ServerResponse here, with every event and method, on a socket that reads back what the response writes to it.
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Application } from "../../index.ts";
import { describe } from "../../server-kit/handler-result.ts";
import { createExchangeSocket, type ExchangeSocket } from "./exchange-socket.ts";
import { dropUnread, toIncomingMessage } from "./incoming-message.ts";

/**
 * Runs a listener on any TSGI server.
 *
 * ```ts
 * import { fromNode } from "@tsgi/gateway-spec/node";
 * import express from "express";
 *
 * const app = express().get("/", (req, res) => void res.send(`Hello ${req.ip}\n`));
 * export const application = fromNode(app);
 * ```
 *
 * `req.socket` has the addresses of the exchange and, on an encrypted connection, `encrypted`, `authorized`, `getPeerCertificate()`,
 * `getProtocol()` and `getCipher()`. Its timeouts do nothing, because timeouts are the server's. Content without a length has
 * `transfer-encoding: chunked` in `req.headers`, over HTTP/2 too, because body parsers look for it.
 *
 * A listener that throws, rejects, or destroys `res` or the socket before the head has left gets a 500 sent; later, the connection
 * is terminated. `res` emits `close` without `finish` when the client is gone, and when a response without content is complete
 * before the listener has ended it. An error after the response goes to the log.
 */
export function fromNode(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Application {
  if (typeof listener !== "function") {
    throw new TypeError(`fromNode takes a listener (req, res), such as an Express app, not ${describe(listener)}`);
  }
  return {
    fetch: (request, exchange) =>
      new Promise((resolve, reject) => {
        const socket = createExchangeSocket(request, exchange, resolve, reject);
        const req = toIncomingMessage(request, exchange, socket);
        const res = createResponse(req, socket);
        /** The exchange has ended before the listener has ended its response. */
        let ended = false;
        const end = () => {
          if (res.writableFinished) return;
          ended = true;
          req.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
          socket.destroy();
        };
        // The signal aborts before the server releases the body of the response, so that `req` emits "aborted" before `res` closes.
        request.signal.addEventListener("abort", end, { once: true });
        exchange.completed.then(end, () => undefined);
        res.once("finish", () => {
          socket.finished();
          dropUnread(req);
          // Node's response emits its "close" when its socket does.
          socket.destroy();
        });
        const failed = (thrown: unknown) => {
          const error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
          if (res.writableFinished) exchange.waitUntil(Promise.reject(error));
          // An error that follows from the end of the exchange is not a new failure.
          else if (!ended) socket.destroy(error);
        };
        try {
          Promise.resolve(listener(req, res)).catch(failed);
        } catch (error) {
          failed(error);
        }
      }),
  };
}

function createResponse(req: IncomingMessage, socket: ExchangeSocket): ServerResponse {
  const res = new ServerResponse(req);
  // The server dates and frames the response. Chunks are the way by which node writes trailers.
  res.sendDate = false;
  res.useChunkedEncodingByDefault = true;
  res.assignSocket(socket as unknown as Socket);
  // The server of node:http does this.
  socket.on("drain", () => {
    if (res.writableNeedDrain) res.emit("drain");
  });
  // Node drops the content of a response that may have none, and keeps the head until the end, which an endless stream does not have.
  const write = res.write.bind(res) as (...args: unknown[]) => boolean;
  res.write = (...args: unknown[]) => {
    const hasRoom = write(...args);
    if (!socket.hasHead) res.flushHeaders();
    return hasRoom;
  };
  return res;
}
