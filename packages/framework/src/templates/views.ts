/**
 * Views: templates of eta, strict. Data is under `it`; `<%= it.name %>` is escaped, `<%~ it.html %>` is not, and a value of
 * the `html` tag is not escaped again; `<%~ include("partials/row", { row }) %>` takes in another view, `urlFor("name", { id })`
 * builds the path of a route, and `json(value)` is JSON for script elements and attributes. A layout is a view with one
 * `<%content%>`, where the page goes.
 *
 * Stricter than eta: a name that is not among the data, a value without a text, and a tag that does nothing are errors, with
 * file, line and column. `null` writes nothing.
 */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Eta, EtaParseError } from "eta/core";
import { Html, NoTextError, toHtml, toText } from "../html.ts";
import type { ParamValue } from "../router/path.ts";
import type { UrlFor } from "../types.ts";
import { displayName, TemplateError, type Place, type TemplateErrorCode } from "./error.ts";
import { toJson } from "./json.ts";
import { Content, ContentError, MissingError, createScope, extendScope, helpersOf } from "./scope.ts";
import { locateSyntaxError } from "./syntax-error.ts";
import { parseTags, TagError } from "./tags.ts";

/** Functions of a request that its views may call, beside `include` and `json`. */
export interface ViewHelpers {
  readonly urlFor: UrlFor;
  /** The nonce for `<script nonce>` and `<style nonce>`. */
  readonly cspNonce: () => string;
}

export interface ViewsOptions {
  readonly views?: string | URL;
  readonly layout?: string;
  readonly cacheViews?: boolean;
  /** For views that are rendered without the helpers of a request. */
  readonly urlFor: (name: string, params?: Readonly<Record<string, ParamValue>>) => string;
}

export class Views {
  readonly #root: string | null;
  readonly #layout: string | null;
  readonly #helpers: ViewHelpers;
  readonly #eta: StrictEta;

  constructor({ views, layout, cacheViews, urlFor }: ViewsOptions) {
    this.#root = views === undefined ? null : path.resolve(views instanceof URL ? fileURLToPath(views) : views);
    this.#layout = layout ?? null;
    this.#helpers = {
      urlFor: urlFor as UrlFor,
      cspNonce() {
        throw new TypeError("cspNonce() needs a request: render the view by the context of a handler");
      },
    };
    this.#eta = new StrictEta(this.#root, cacheViews ?? process.env["NODE_ENV"] === "production");
  }

  /** @throws TemplateError `TEMPLATE_NO_VIEWS` where the views folder does not exist. */
  check(): void {
    if (this.#root === null || statSync(this.#root, { throwIfNoEntry: false })?.isDirectory() === true) return;
    throw new TemplateError(
      "TEMPLATE_NO_VIEWS",
      `The views folder ${this.#root} does not exist: create it, or correct the option "views"`,
    );
  }

  /**
   * @param view the path of a file from the views folder; `.html` is added if it has no extension.
   * @param layout likewise; `null` for none. Default: the layout of the application.
   * @throws TemplateError
   */
  render(
    view: string,
    data: object,
    layout: string | null = this.#layout,
    helpers: ViewHelpers = this.#helpers,
  ): string {
    const page = this.#eta.render(view, createScope(data, helpers, null));
    if (layout === null) return page;
    const content = new Content(page);
    const whole = this.#eta.render(layout, createScope(data, helpers, content));
    if (content.written) return whole;
    throw new TemplateError(
      "TEMPLATE_CONTENT",
      `The layout "${layout}" has no <%content%>: write it where the page goes`,
    );
  }
}

/** Cleared when full, so that names from data cannot grow it. */
const MAX_FILES = 1000;

/** Eta keeps its parts as properties that may be replaced. */
class StrictEta extends Eta {
  /** For the function header of the views. */
  readonly helpersOf = helpersOf;
  readonly json = toJson;
  /** The files of the names of views, which an include in a loop asks for again and again. */
  readonly #files = new Map<string, string>();

  constructor(root: string | null, cache: boolean) {
    super({
      cache,
      autoTrim: false,
      escapeFunction: toHtml,
      filterFunction: toText,
      // Makes eta report which tag failed.
      debug: true,
      functionHeader: "const { json } = this, { urlFor, cspNonce } = this.helpersOf(it);",
    });
    this.resolvePath = (view) => {
      const kept = this.#files.get(view);
      if (kept !== undefined) return kept;
      const file = resolveView(root, view);
      if (this.#files.size >= MAX_FILES) this.#files.clear();
      this.#files.set(view, file);
      return file;
    };
    this.readFile = readView;
    this.parse = parseTags;

    const { compile } = this;
    this.compile = (source, options) => {
      try {
        return compile.call(this, source, options);
      } catch (error) {
        const mistake =
          error instanceof EtaParseError ? locateSyntaxError(this.compileToString(source, options)) : error;
        if (!(mistake instanceof TagError)) throw mistake;
        const { code, message, offset } = mistake;
        throw new TemplateError(code, message, { file: options?.filepath ?? "", source, offset });
      }
    };
    // Instead of the line there is the offset: see parseTags.
    this.RuntimeErr = (error, source, offset, file) => {
      throw toTemplateError(error, { file, source, offset });
    };
  }

  /** The `include` of the views. @param scope of the view that includes. */
  include(scope: object, view: string, data: object): Html {
    return new Html(this.render(view, extendScope(scope, data)));
  }
}

function toTemplateError(error: unknown, place: Place): TemplateError {
  if (error instanceof TemplateError) return error;
  const at = (code: TemplateErrorCode, reason: string, cause?: unknown) =>
    new TemplateError(code, reason, place, cause === undefined ? undefined : { cause });
  if (error instanceof ContentError) return at("TEMPLATE_CONTENT", error.message);
  if (error instanceof MissingError) return at("TEMPLATE_UNKNOWN_VARIABLE", error.message);
  if (error instanceof NoTextError) {
    return at(error.value === undefined ? "TEMPLATE_UNKNOWN_VARIABLE" : "TEMPLATE_VALUE", error.message);
  }
  if (error instanceof ReferenceError) return at("TEMPLATE_UNKNOWN_VARIABLE", `${error.message}; data is under "it"`);
  return at("TEMPLATE_FAILED", error instanceof Error ? error.message : String(error), error);
}

function resolveView(root: string | null, view: string): string {
  if (root === null) {
    throw new TemplateError("TEMPLATE_NO_VIEWS", `The view "${view}" has no folder: set the option "views"`);
  }
  const file = path.resolve(root, path.extname(view) === "" ? `${view}.html` : view);
  if (!file.startsWith(root + path.sep)) {
    throw new TemplateError(
      "TEMPLATE_OUTSIDE_VIEWS",
      `The view "${view}" is outside of the views folder ${displayName(root)}`,
    );
  }
  return file;
}

function readView(file: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new TemplateError(
      "TEMPLATE_NOT_FOUND",
      `There is no view ${displayName(file)}: create it, or correct the name`,
    );
  }
  // A byte order mark is not text. With one kind of line end the offsets and the trim marks are simple.
  return readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .replaceAll(/\r\n?/g, "\n");
}
