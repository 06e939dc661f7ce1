/**
 * Runs an application of the classic form, `application(environ, startResponse)`, by PEP 3333. There is no adapter from TSGI to
 * WSGI: a WSGI server has the response when the call returns, which an asynchronous handler cannot give.
 *
 * @module @tsgi/gateway-spec/wsgi
 */
import { readBytes, type ReadOptions } from "../../body.ts";
import type { Application, OutgoingResponse } from "../../index.ts";
import { hasNoContent } from "../../server-kit/response-body.ts";
import { callApplication, toWsgiResponse } from "./application.ts";
import { toEnviron } from "./environ.ts";
import { WsgiBody } from "./response-body.ts";
import { ResponseStart } from "./start-response.ts";
import type { Environ, ErrorSink, WsgiApplication } from "./types.ts";

export type {
  Bytes,
  Environ,
  ErrorStream,
  ExcInfo,
  FileLike,
  StartResponse,
  WsgiApplication,
  WsgiClass,
  WsgiFunction,
  WsgiResponse,
} from "./types.ts";
export { InputStream } from "./input-stream.ts";
export { validator, WsgiValidationError } from "./validator.ts";

/** The limit of request content, and where errors are written. */
export interface WsgiOptions {
  /**
   * Longest content accepted, in bytes; beyond it the response is 413. Default: the limit of the server (`maxBodyBytes`, 16 MiB for
   * the servers of `@tsgi/server`). Set it under `toNode` and `toFetch`, which have no limit by default.
   */
  readonly limitBytes?: NonNullable<ReadOptions["limitBytes"]>;
  /** Receives what is written to `wsgi.errors`. Default: the standard error stream. */
  readonly writeError?: ErrorSink;
}

/**
 * Runs a WSGI application, a function or a class, on any TSGI server.
 *
 * ```ts
 * import { wsgi } from "@tsgi/gateway-spec/wsgi";
 *
 * export const application = wsgi((environ, startResponse) => {
 *   startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
 *   return [`${environ.REQUEST_METHOD} ${environ.PATH_INFO}\n`];
 * });
 * ```
 *
 * Python's `make_server(host, port, application)` is `serve(wsgi(application), { port })` of `@tsgi/server`.
 *
 * The content is read before the call, because reading `wsgi.input` cannot wait. The next piece of the body is taken when the client
 * has taken the last one. What `write` is given is kept until the call returns.
 * @throws TypeError if `application` is not a function.
 */
export function wsgi(application: WsgiApplication, options: WsgiOptions = {}): Application {
  if (typeof application !== "function") {
    throw new TypeError(`wsgi: the application must be a function or a class, not ${typeof application}`);
  }
  const limitBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const writeError = options.writeError ?? ((text) => void process.stderr.write(text));
  return {
    fetch: async (request, exchange) => {
      const content = await readBytes(request, { limitBytes });
      return run(application, toEnviron(request, exchange, content, writeError));
    },
  };
}

function run(application: WsgiApplication, environ: Environ): OutgoingResponse {
  const start = new ResponseStart();
  const response = toWsgiResponse(callApplication(application, environ, start.startResponse));
  const body = new WsgiBody(response, start.written);
  try {
    // Until there is a piece to send, the application may call startResponse, or replace the head.
    const hasPiece = body.hasPiece();
    const { status, fields: headers, contentLength } = start.send();
    if (!hasPiece || hasNoContent("GET", status)) {
      body.close();
      return { status, headers, body: null };
    }
    if (contentLength !== null) body.limitTo(contentLength);
    return { status, headers, body: body.whole() ?? body };
  } catch (error) {
    body.close();
    throw error;
  }
}
