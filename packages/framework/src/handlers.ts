/**
 * Classes in the manner of Tornado: `app.handle("/story/(\\d+)", StoryHandler, db)` creates an object for each request and calls
 * its method of the request's name with the parameters of the path.
 */
import type { Awaitable } from "@tsgi/gateway-spec";
import type { RequestContext } from "./context.ts";
import { HttpError } from "./errors.ts";
import { toHttpError } from "./problem.ts";
import { toResponse, type HandlerResult } from "./results.ts";
import { RouteValue } from "./route-value.ts";
import { parsePath } from "./router/path.ts";
import { RouteError } from "./router/route-error.ts";
import type { Context, Route } from "./types.ts";

/** The context of a class handler: of a path that is not known to the compiler. */
export type HandlerContext<State = unknown> = Context<string, State>;

/** A method of a class handler. It gets the parameters of the path in their order. */
export type HandlerMethod = (...params: string[]) => Awaitable<HandlerResult>;

/** What an object of a handler class may have. */
export interface ClassHandler {
  get?(...params: string[]): Awaitable<HandlerResult>;
  head?(...params: string[]): Awaitable<HandlerResult>;
  post?(...params: string[]): Awaitable<HandlerResult>;
  put?(...params: string[]): Awaitable<HandlerResult>;
  patch?(...params: string[]): Awaitable<HandlerResult>;
  delete?(...params: string[]): Awaitable<HandlerResult>;
  options?(...params: string[]): Awaitable<HandlerResult>;
  /** Runs before the method. It throws to refuse the request. */
  prepare?(): Awaitable<void>;
  /** The response of an error in `prepare` or in the method; `undefined` for the application's. */
  writeError?(error: HttpError): Awaitable<HandlerResult | undefined>;
  /** Runs once the response has been sent, or could not be sent. */
  onFinish?(): Awaitable<void>;
}

/** A class whose objects handle one request each, by a method for each request method; see `app.handle`. */
export type HandlerClass<Args extends readonly unknown[] = readonly [], State = unknown> = new (
  context: HandlerContext<State>,
  ...args: Args
) => ClassHandler;

/** A base class with the helpers of Tornado's `RequestHandler`. A handler class need not extend it. */
export class RequestHandler<State = unknown> {
  /** The context of the request that this object handles. */
  readonly context: HandlerContext<State>;
  #form: URLSearchParams | undefined;

  constructor(context: HandlerContext<State>) {
    this.context = context;
  }

  /**
   * The last value of a field of the form or the query, without white space around it.
   * @throws HttpError 400 `ARGUMENT_MISSING` where the field is absent and there is no default.
   */
  argument(name: string, byDefault?: string): string {
    const value = this.arguments(name).at(-1) ?? byDefault;
    if (value !== undefined) return value;
    throw new HttpError(400, "ARGUMENT_MISSING", `The field "${name}" is missing`);
  }

  /** Every value of a field: those of the query, then those of the form. */
  arguments(name: string): readonly string[] {
    const values = [...this.context.query.getAll(name), ...(this.#form?.getAll(name) ?? [])];
    return values.map((value) => value.trim());
  }

  /** Reads the content where it is a form. Runs before `prepare`. @throws BodyError */
  async readForm(): Promise<void> {
    const type = this.context.request.headers.get("content-type") ?? "";
    if (/^application\/x-www-form-urlencoded\b/i.test(type)) this.#form = await this.context.form();
  }
}

const METHODS = ["get", "head", "post", "put", "patch", "delete", "options"] as const;

/** The routes of a handler class on one path. @throws RouteError `ROUTE_NONE`, `ROUTE_PATH_INVALID` */
export function handlerClassRoutes<Args extends readonly unknown[]>(
  path: string,
  handler: HandlerClass<Args>,
  args: Args,
): readonly { readonly route: Route; readonly handler: (context: RequestContext) => unknown }[] {
  if (typeof handler !== "function") {
    throw new RouteError("ROUTE_NONE", `handle takes a class, for it creates an object for each request: ${path}`);
  }
  const { names } = parsePath(path);
  const methods = METHODS.filter(
    (name) => typeof (handler.prototype as ClassHandler | undefined)?.[name] === "function",
  );
  if (methods.length === 0) {
    throw new RouteError("ROUTE_NONE", `${handler.name} has none of the methods ${METHODS.join(", ")}, for ${path}`);
  }
  return methods.map((name) => ({
    route: new RouteValue(name.toUpperCase(), path, {}) as unknown as Route,
    handler: (context) => run(new handler(context as unknown as HandlerContext, ...args), name, names, context),
  }));
}

async function run(
  handler: ClassHandler,
  name: (typeof METHODS)[number],
  names: readonly string[],
  context: RequestContext,
): Promise<HandlerResult> {
  if (handler.onFinish !== undefined) callAfterResponse(handler, context);
  try {
    if (handler instanceof RequestHandler) await handler.readForm();
    await handler.prepare?.();
    const params = names.map((param) => String((context.params as Readonly<Record<string, unknown>>)[param]));
    // Awaited here, so that a rejection is caught below.
    return (await handler[name]?.(...params)) as HandlerResult;
  } catch (error) {
    return writeError(handler, error, context);
  }
}

async function writeError(handler: ClassHandler, error: unknown, context: RequestContext): Promise<HandlerResult> {
  const known = toHttpError(error);
  context.dropFields();
  // For `context.render` and `context.reply`.
  context.status = known.status;
  let result: HandlerResult | undefined;
  try {
    result = await handler.writeError?.(known);
  } catch (second) {
    if (!(second instanceof HttpError)) context.reportError(known);
    throw second;
  }
  if (result === undefined) throw error;
  if (known.status >= 500) context.reportError(known);
  return toResponse(result, known.status);
}

function callAfterResponse(handler: ClassHandler, { exchange }: RequestContext): void {
  const finished = exchange.completed.then(
    () => handler.onFinish?.(),
    () => handler.onFinish?.(),
  );
  exchange.waitUntil(finished);
}
