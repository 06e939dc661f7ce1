/**
 * A route with its handler, as one function of the context. The order is: needs, then the head of the request, then its
 * content, then the handler. So a request that may not be made gets 401 before 422, and uploads nothing.
 */
import type { Awaitable, OutgoingResponse } from "@tsgi/gateway-spec";
import { readForm, readJson } from "@tsgi/gateway-spec/body";
import type { CheckedParts, RequestContext } from "./context.ts";
import { InputError, type InputIssue } from "./errors.ts";
import { isResponse, JSON_FIELDS, Reply, StatusResult, toResponse } from "./results.ts";
import type { RoutePath } from "./router/path.ts";
import { queryOf } from "./router/request-path.ts";
import { RouteError } from "./router/route-error.ts";
import { isThenable } from "./thenable.ts";
import type { RouteOptions } from "./types.ts";
import { compileCheck, type Check, type Checked } from "./validation/compile.ts";
import { schemasByStatus, type Fields } from "./validation/schema.ts";
import { readEntries, readNamed, readQuery, textRules } from "./validation/text.ts";

export type Endpoint = (context: RequestContext) => Awaitable<OutgoingResponse>;

type AnyHandler = (context: RequestContext) => unknown;

/** @throws RouteError `ROUTE_OPTIONS_INVALID` for a schema that text cannot match. */
export function toEndpoint(path: RoutePath, options: RouteOptions, handler: AnyHandler): Endpoint {
  const endpoint = toPlainEndpoint(path, options, handler);
  const layers = (options.around ?? []) as unknown as readonly ((next: Endpoint) => Endpoint)[];
  return layers.reduceRight((next, layer) => layer(next), endpoint);
}

function toPlainEndpoint(path: RoutePath, options: RouteOptions, handler: AnyHandler): Endpoint {
  const respond = toResponder(path, options);
  const head = headSteps(path, options);
  const content = contentStep(path, options);
  const needs = Object.entries(options.needs ?? {});

  const run = (context: RequestContext): Awaitable<OutgoingResponse> => {
    const result = handler(context);
    return isThenable(result) ? Promise.resolve(result).then(respond) : respond(result);
  };
  if (needs.length === 0 && content === null) {
    if (head.length === 0) return run;
    return (context) => {
      const input = new Input();
      const pending = input.take(head, context);
      const proceed = () => {
        context.accept(input.parts());
        return run(context);
      };
      return pending === null ? proceed() : pending.then(proceed);
    };
  }
  return async (context) => {
    for (const [name, need] of needs) {
      const result: unknown = context.need(need as (context: unknown) => unknown);
      // Only a promise costs a turn of the event loop.
      (context as unknown as Record<string, unknown>)[name] = isThenable(result) ? await result : result;
    }
    const input = new Input();
    const pending = input.take(head, context);
    if (pending !== null) await pending;
    if (content !== null) {
      const checked = content.check(await content.read(context));
      input.add(content.part, isThenable(checked) ? await checked : checked);
    }
    context.accept(input.parts());
    return run(context);
  };
}

function toResponder(
  path: RoutePath,
  { response, status: usual }: RouteOptions,
): (result: unknown) => Awaitable<OutgoingResponse> {
  if (response === undefined) return (result) => toResponse(result, usual);
  const checks = new Map(
    schemasByStatus(response, usual ?? 200).map(([status, schema]) => [status, compileCheck(schema)]),
  );
  const send = (checked: Checked, status: number): OutgoingResponse => {
    if ("mistakes" in checked) throw new ResponseMismatch(path, checked.mistakes);
    if (status === 204) return toResponse(null, status);
    return new Reply(status, JSON_FIELDS, JSON.stringify(checked.value));
  };
  return (result) => {
    if (isResponse(result)) return result;
    const { status, data } = StatusResult.is(result) ? result : { status: usual ?? 200, data: result };
    const check = checks.get(status);
    if (check === undefined)
      throw new ResponseMismatch(path, [{ field: "", message: `no schema for status ${status}` }]);
    const checked = check(data);
    return isThenable(checked) ? checked.then((later) => send(later, status)) : send(checked, status);
  };
}

/** A handler's result does not match the `response` schema of its route. The client gets a bare 500, the log this message. */
class ResponseMismatch extends Error {
  constructor(path: RoutePath, mistakes: readonly { readonly field: string; readonly message: string }[]) {
    const list = mistakes.map(({ field, message }) => `${field === "" ? "the result" : `"${field}"`}: ${message}`);
    super(`The result of the handler of ${path.source} does not match the "response" schema: ${list.join("; ")}`);
  }
}

type Part = InputIssue["in"];

/** A part of the head, read from the context and checked. */
interface Step {
  readonly part: Part;
  readonly check: Check;
  readonly read: (context: RequestContext) => unknown;
}

function headSteps(path: RoutePath, { params, query, headers, cookies }: RouteOptions): readonly Step[] {
  const steps: Step[] = [];
  if (params !== undefined) {
    rulesOf(path, "params", params);
    steps.push({ part: "params", check: compileCheck(params), read: (context) => context.params });
  }
  if (query !== undefined) {
    const rules = rulesOf(path, "query", query);
    const read = (context: RequestContext) => readQuery(queryOf(context.href), rules);
    steps.push({ part: "query", check: compileCheck(query), read });
  }
  if (headers !== undefined) {
    const rules = rulesOf(path, "headers", headers);
    steps.push({
      part: "headers",
      check: compileCheck(headers),
      read: ({ request }) => readNamed(request.headers, rules),
    });
  }
  if (cookies !== undefined) {
    const rules = rulesOf(path, "cookies", cookies);
    const read = (context: RequestContext) => readNamed(context.cookies as ReadonlyMap<string, string>, rules);
    steps.push({ part: "cookies", check: compileCheck(cookies), read });
  }
  return steps;
}

function contentStep(path: RoutePath, { form, json, maxBodyBytes }: RouteOptions): Step | null {
  const options = maxBodyBytes === undefined ? undefined : { limitBytes: maxBodyBytes };
  if (json !== undefined) {
    return { part: "json", check: compileCheck(json), read: ({ request }) => readJson(request, options) };
  }
  if (form === undefined) return null;
  const rules = rulesOf(path, "form", form);
  const read = async ({ request }: RequestContext) => readEntries(await readForm(request, options), rules);
  return { part: "form", check: compileCheck(form), read };
}

function rulesOf(path: RoutePath, part: Part, fields: Fields): ReturnType<typeof textRules> {
  try {
    return textRules(fields, part === "params" ? path.integers : undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RouteError("ROUTE_OPTIONS_INVALID", `The route ${path.source} is invalid: ${part}: ${reason}`, {
      cause: error,
    });
  }
}

/** The checked parts of one request, and the mistakes in them. */
class Input {
  readonly #parts: CheckedParts = {};
  #issues: InputIssue[] | undefined;

  /** @returns a promise only where a schema is asynchronous. */
  take(steps: readonly Step[], context: RequestContext): Promise<void> | null {
    for (const [index, { part, check, read }] of steps.entries()) {
      const checked = check(read(context));
      if (isThenable(checked)) {
        return checked.then((later) => {
          this.add(part, later);
          return this.take(steps.slice(index + 1), context) ?? undefined;
        });
      }
      this.add(part, checked);
    }
    return null;
  }

  add(part: Part, checked: Checked): void {
    if ("value" in checked) this.#parts[part] = checked.value as never;
    else for (const { field, message } of checked.mistakes) (this.#issues ??= []).push({ in: part, field, message });
  }

  /** @throws InputError where there was a mistake. */
  parts(): CheckedParts {
    if (this.#issues !== undefined) throw new InputError(this.#issues);
    return this.#parts;
  }
}
