/**
 * A page with a form, as one thing: GET shows it, POST checks what was typed, and where that is wrong the same page comes back with
 * 422, the mistakes beside their fields and everything that was typed.
 */
import type { Awaitable } from "@tsgi/gateway-spec";
import type { App } from "../app.ts";
import { Html } from "../html.ts";
import { reply, respond, type Reply } from "../results.ts";
import type { Context, FittingNeeds, Needs, Route } from "../types.ts";
import { compileCheck, type Mistake } from "../validation/compile.ts";
import { isSchema, type Fields, type FieldsOutput, type InputOf, type Schema } from "../validation/schema.ts";
import { readEntries, textRules } from "../validation/text.ts";

/** The names of the fields. */
type Names<Form> = Form extends Schema ? keyof InputOf<Form> : keyof Form;

/** What a page needs to show its form. Empty at the first visit. */
export interface FormState<Form> {
  /** What was typed, by field; the first value where a field comes more than once. */
  readonly values: { readonly [Name in Names<Form>]?: string };
  /** What is wrong, by field; `form` is what concerns no single field. */
  readonly errors: { readonly [Name in Names<Form> | "form"]?: string };
}

/** A result of `show`: `render(…)`, or HTML. */
type Page = Reply | Html;

/** The form, how the page shows it, and what a valid form does. */
export interface FormPage<Path extends string, Form extends Fields, PageNeeds, State> {
  /** A schema for each field, or one schema, such as `z.object({ … }).refine(…)`, for all of them. */
  readonly form: Form;
  /** As in a route. They run before the content is read. */
  readonly needs?: PageNeeds;
  /** Name for `urlFor`. */
  readonly name?: string;
  /** Longest content accepted, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Shows the page: at a GET, and with 422 after a POST with mistakes, with what was typed and what is wrong. */
  readonly show: (context: FormContext<Path, PageNeeds, State> & { readonly form: FormState<Form> }) => Awaitable<Page>;
  /** Gets the checked fields. Ends with a redirect, so that a reload does not send the form again. */
  readonly submit: (
    context: FormContext<Path, PageNeeds, State> & {
      readonly form: FieldsOutput<Form>;
      /** Shows the page again with mistakes that only the application can find, such as a name that is taken. */
      readonly invalid: (errors: FormState<Form>["errors"]) => never;
    },
  ) => Awaitable<Reply | Html>;
}

type FormContext<Path extends string, PageNeeds, State> = Omit<
  Context<Route<"GET", Path, { readonly needs: PageNeeds }>, State>,
  "form"
>;

/**
 * Adds a page with a form to an application.
 * @throws RouteError for a path or a schema that cannot be used.
 */
export function formPage<
  State,
  const Path extends string,
  const Form extends Fields,
  const PageNeeds extends Needs = {},
>(
  app: App<State>,
  path: Path,
  page: FormPage<Path, Form, PageNeeds, State> & Partial<FittingNeeds<{ readonly needs: PageNeeds }, State>>,
): void {
  const { form, needs = {}, show, submit, name, maxBodyBytes } = page;
  const check = compileCheck(form);
  const rules = textRules(form);
  const options = {
    needs,
    ...(name === undefined ? {} : { name }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
  };

  app.get(path, options, (context) => showWith(context, NOTHING_TYPED));

  app.post(path, options, async (context) => {
    const sent = await context.form();
    const checked = await check(readEntries(sent, rules));
    const values = valuesOf(sent, form);
    if ("mistakes" in checked) return again(context, values, errorsOf(checked.mistakes));
    try {
      return await call(submit, context, { form: checked.value, invalid });
    } catch (error) {
      if (error instanceof InvalidForm) return again(context, values, error.errors);
      throw error;
    }
  });

  async function again(context: object, values: object, errors: object): Promise<Reply> {
    const shown = await showWith(context, { values, errors });
    if (shown instanceof Html) return reply(shown, { status: 422 });
    // A redirect, or a page with a status of its own, is not the form.
    const { status, headers, body } = shown;
    return status === 200 ? respond({ status: 422, headers, body }) : shown;
  }

  function showWith(context: object, state: object): Awaitable<Page> {
    return call(show, context, { form: state });
  }
}

/**
 * Hands a handler the context with more members. The context is one object of one request, and nothing else reads it any more, so
 * the members are set on it: a copy would lose those that are made when they are first read.
 */
function call<Result>(handler: (context: never) => Result, context: object, members: object): Result {
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(context, name, { value, configurable: true, enumerable: true });
  }
  // The types of FormPage say what the handler takes.
  return handler(context as never);
}

const EMPTY = Object.freeze(Object.create(null) as Readonly<Record<string, string>>);
const NOTHING_TYPED: FormState<object> = { values: EMPTY, errors: EMPTY };

class InvalidForm extends Error {
  readonly errors: object;

  constructor(errors: object) {
    super("The form is not valid");
    this.errors = errors;
  }
}

function invalid(errors: object): never {
  throw new InvalidForm(errors);
}

/** Without a prototype: a page asks for fields by name, and a form may have a field named `constructor`. */
function valuesOf(sent: URLSearchParams, form: Fields): object {
  const values = Object.create(null) as Record<string, string>;
  for (const name of isSchema(form) ? sent.keys() : Object.keys(form)) {
    const value = sent.get(name);
    if (value !== null) values[name] = value;
  }
  return values;
}

/** The first mistake of each field. */
function errorsOf(mistakes: readonly Mistake[]): object {
  const errors = Object.create(null) as Record<string, string>;
  for (const { field, message } of mistakes) errors[field.split(".")[0] || "form"] ??= message;
  return errors;
}
