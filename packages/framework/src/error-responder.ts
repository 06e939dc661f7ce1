/** Errors of handlers and middleware as responses: by `onError`, else as a problem document or a page. */
import type { Awaitable, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import type { AppOptions } from "./app-options.ts";
import type { RequestContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { Html } from "./html.ts";
import { prefersHtml, toHttpError, toLogEntry, toProblemResponse } from "./problem.ts";
import { isResponse, reply, toResponse } from "./results.ts";
import { pathOf } from "./router/request-path.ts";
import { cspNonce } from "./security/headers.ts";
import { isThenable } from "./thenable.ts";
import type { Context } from "./types.ts";

export class ErrorResponder<State> {
  readonly #options: AppOptions<State>;
  readonly #development: boolean;

  constructor(options: AppOptions<State>) {
    this.#options = options;
    this.#development = options.development ?? process.env["NODE_ENV"] === "development";
  }

  /**
   * The response for an error. It never throws, and the log keeps the first of two errors. A response that was thrown is the
   * response: `throw redirect("/login.html")` ends a need.
   */
  respond(error: unknown, context: RequestContext<State>): Awaitable<OutgoingResponse> {
    if (isResponse(error)) return context.finish(error);
    context.dropFields();
    const { onError } = this.#options;
    if (onError !== undefined) return this.#respondWith(onError, error, context);
    const response = this.#defaultResponse(error, context);
    return isThenable(response) ? finishLater(response, context) : context.finish(response);
  }

  async #respondWith(
    onError: NonNullable<AppOptions<State>["onError"]>,
    error: unknown,
    context: RequestContext<State>,
  ): Promise<OutgoingResponse> {
    const known = toHttpError(error);
    context.status = known.status;
    try {
      const result = await onError(error, context as unknown as Context<string, State>);
      if (result === undefined) return await context.finish(await this.#defaultResponse(error, context));
      const response = toResponse(result, known.status);
      if (response.status >= 500) this.log(known, context.request);
      return await context.finish(response);
    } catch (second) {
      context.dropFields();
      // An HttpError was chosen to replace the first error; a failure must not hide it.
      if (!(second instanceof HttpError)) this.log(known, context.request);
      return this.#defaultResponse(second, context);
    }
  }

  #defaultResponse(error: unknown, context: RequestContext<State>): Awaitable<OutgoingResponse> {
    const { request, exchange } = context;
    const known = toHttpError(error);
    let problem: OutgoingResponse;
    try {
      problem = toProblemResponse(known, request);
    } catch (cause) {
      // The second error has no members.
      return this.#defaultResponse(
        new Error(`The members of the HttpError ${known.code} are no JSON`, { cause }),
        context,
      );
    }
    if (known.status < 500) return problem;
    this.log(known, request);
    if (!this.#development || !prefersHtml(request.headers.get("accept") ?? "")) return problem;
    // oxlint-disable-next-line no-restricted-imports -- loaded when it is needed, in development only
    return import("./development/error-page.ts").then(({ isLocalClient, renderErrorPage }) => {
      if (!isLocalClient(exchange)) return problem;
      const page = new Html(renderErrorPage(known.cause ?? error, request, exchange, cspNonce(exchange)));
      return reply(page, { status: known.status, headers: { "cache-control": "no-store" } });
    });
  }

  /** A logger that throws costs no response. */
  log(error: HttpError, request: IncomingRequest): void {
    const { text, thrown } = toLogEntry(error);
    const line = `${request.method} ${pathOf(request.url)} failed with ${error.status}${text}`;
    const details = thrown === undefined ? [] : [thrown];
    try {
      (this.#options.logger ?? console).error(line, ...(details as [unknown?]));
    } catch (failure) {
      console.error("The logger of the application threw", failure, "while it logged:", line, ...details);
    }
  }
}

async function finishLater<State>(
  response: Promise<OutgoingResponse>,
  context: RequestContext<State>,
): Promise<OutgoingResponse> {
  return context.finish(await response);
}
