/** Calls an application and checks what it returns. */
import { describe, isPromiseLike } from "../../server-kit/handler-result.ts";
import type { Environ, StartResponse, WsgiApplication, WsgiClass, WsgiResponse } from "./types.ts";

/** Calls an application, or makes an instance of it. @returns what it gave, unchecked. */
export function callApplication(application: WsgiApplication, environ: Environ, startResponse: StartResponse): unknown {
  return isClass(application) ? new application(environ, startResponse) : application(environ, startResponse);
}

/**
 * What an application returned, as a body.
 * @throws TypeError if it is not one; the message says what to return.
 */
export function toWsgiResponse(body: unknown): WsgiResponse {
  if (typeof body === "string" || body instanceof Uint8Array) return [body];
  if (typeof body === "object" && body !== null) {
    if (Symbol.iterator in body) return body as WsgiResponse;
    if (body instanceof Promise) body.catch(() => undefined);
    if (isPromiseLike(body) || Symbol.asyncIterator in body) {
      throw new TypeError("A WSGI application cannot be asynchronous: write an ASGI application or a TSGI handler");
    }
  }
  throw new TypeError(
    `A WSGI application must return an iterable of byte strings, such as ["hello"], not ${describe(body)}`,
  );
}

/** A class cannot be called without `new`, and nothing but its source text says so. */
function isClass(application: WsgiApplication): application is WsgiClass {
  return /^class\b/.test(Function.prototype.toString.call(application));
}

/** @throws TypeError if the value is neither a string nor bytes. */
export function toBytes(data: unknown): Uint8Array {
  if (typeof data === "string") return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw new TypeError(`A piece of a WSGI body must be a string or bytes, not ${describe(data)}`);
}
