/** The request of an exchange as an IncomingMessage of node:http. */
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Exchange, HeaderView, IncomingRequest } from "../../index.ts";

export function toIncomingMessage(request: IncomingRequest, exchange: Exchange, socket: Duplex): IncomingMessage {
  const req = new IncomingMessage(socket as Socket);
  req.method = request.method;
  setUrl(req, request, exchange);
  req.httpVersion = exchange.protocol === "2" ? "2.0" : exchange.protocol;
  req.httpVersionMajor = exchange.protocol === "2" ? 2 : 1;
  req.httpVersionMinor = exchange.protocol === "1.1" ? 1 : 0;
  setFields(req, request.headers, request.body !== null);
  if (request.body === null) {
    req.complete = true;
    req.push(null);
  } else {
    pushContent(req, request, request.body[Symbol.asyncIterator]());
  }
  return req;
}

/**
 * Below the prefix of an application that has mounted the listener, `url` is the path without the prefix, and `originalUrl` and
 * `baseUrl` are what Express sets below its own `use`.
 */
function setUrl(req: IncomingMessage, { url }: IncomingRequest, { target }: Exchange): void {
  req.url = target;
  const own = url.slice(url.indexOf("/", url.indexOf("://") + 3));
  if (target === own || !target.startsWith("/") || !own.startsWith("/")) return;
  const received = target.split("?", 1)[0] ?? "";
  const path = own.split("?", 1)[0] ?? "";
  // Below "/shop" the path of "/shop" itself is "/".
  const base = received.endsWith(path) ? received.slice(0, -path.length) : path === "/" ? received : "";
  req.url = own;
  Object.assign(req, { originalUrl: target, baseUrl: base });
}

/** Ends a request that was not read to its end, as node does after the response: by "end" and "close", not by an error. */
export function dropUnread(req: IncomingMessage): void {
  if (req.readableEnded || req.destroyed) return;
  if (!req.complete) {
    req.complete = true;
    req.push(null);
  }
  req.resume();
}

/** Pulls the content when the stream asks for it. */
function pushContent(req: IncomingMessage, request: IncomingRequest, content: AsyncIterator<Uint8Array>): void {
  let reading = false;
  let arrived = false;
  const pull = async (): Promise<void> => {
    try {
      for (;;) {
        const piece = await content.next();
        // The response may be complete before the request is.
        if (req.complete || req.destroyed) return;
        if (piece.done === true) break;
        // Node's parser pushes, so a request asks again only after it was full.
        reading = req.push(piece.value);
        if (!reading) return;
      }
      arrived = true;
      await setTrailers(req, request);
      req.complete = true;
      req.push(null);
    } catch (error) {
      req.destroy(error instanceof Error ? error : new Error(String(error), { cause: error }));
    }
  };
  // On the object itself: Express puts a prototype between it and any class of ours.
  Object.assign(req, {
    _read: () => {
      if (reading || req.complete) return;
      reading = true;
      void pull();
    },
  });
  req.once("close", () => {
    if (!arrived) content.return?.().catch(() => undefined);
  });
}

function setFields(req: IncomingMessage, fields: HeaderView, hasContent: boolean): void {
  const lines = [...fields];
  // HTTP/2 has content without either of the two fields by which body parsers recognise content (the npm package type-is).
  if (hasContent && !fields.has("content-length") && !fields.has("transfer-encoding")) {
    lines.push(["transfer-encoding", "chunked"]);
  }
  const headers: IncomingMessage["headers"] = {};
  for (const [name, value] of lines) {
    req.rawHeaders.push(name, value);
    if (name === "set-cookie") (headers["set-cookie"] ??= []).push(value);
    else headers[name] = value;
  }
  req.headers = headers;
  Object.defineProperty(req, "headersDistinct", {
    configurable: true,
    get: () => {
      // Without a prototype, as node's own.
      const distinct = Object.create(null) as Record<string, string[]>;
      for (const [name, value] of lines) (distinct[name] ??= []).push(value);
      return distinct;
    },
  });
}

async function setTrailers(req: IncomingMessage, request: IncomingRequest): Promise<void> {
  if (request.trailers === undefined) return;
  const trailers: Record<string, string> = {};
  for (const [name, value] of await request.trailers) {
    req.rawTrailers.push(name, value);
    trailers[name] = value;
  }
  req.trailers = trailers;
}
