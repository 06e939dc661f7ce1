/**
 * Views: templates of eta, strict. Data is under `it`; `<%= it.name %>` is escaped and `<%~ it.html %>` is not;
 * `<%~ include("partials/row", { row }) %>` takes in another view, and `urlFor("name", { id })` builds the path of a route. A
 * layout is a view with one `<%content%>`, where the page goes.
 *
 * Stricter than eta: what is not among the data, a value that is undefined, and a tag that does nothing are errors, with file,
 * line and column. `null` writes nothing.
 */
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Eta } from "eta/core";
import type { ParamValue } from "../router/path.ts";
import { displayName, TemplateError, type Place, type TemplateErrorCode } from "./error.ts";
import { Content, ContentError, MissingError, scopeOf, toText } from "./scope.ts";
import { readTags, TagError, toTagError } from "./syntax.ts";

type UrlFor = (name: string, params?: Readonly<Record<string, ParamValue>>) => string;

export interface ViewsOptions {
  readonly views?: string | URL;
  readonly layout?: string;
  readonly cacheViews?: boolean;
  readonly urlFor: UrlFor;
}

export class Views {
  readonly #root: string | null;
  readonly #layout: string | null;
  readonly #eta: StrictEta;

  constructor({ views, layout, cacheViews, urlFor }: ViewsOptions) {
    this.#root = views === undefined ? null : path.resolve(views instanceof URL ? fileURLToPath(views) : views);
    this.#layout = layout ?? null;
    this.#eta = new StrictEta(this.#root, cacheViews ?? process.env["NODE_ENV"] === "production", urlFor);
  }

  /** @throws TemplateError `TEMPLATE_NO_VIEWS` where a folder was named that is not there. */
  check(): void {
    if (this.#root === null || statSync(this.#root, { throwIfNoEntry: false })?.isDirectory() === true) return;
    throw new TemplateError(
      "TEMPLATE_NO_VIEWS",
      `The views folder ${this.#root} is not there: create it, or correct the option "views"`,
    );
  }

  /**
   * @param view the file's path from the views folder, `.html` where it has no extension.
   * @param layout likewise; `null` for none. Default: the application's.
   * @throws TemplateError
   */
  render(view: string, data: object, layout: string | null = this.#layout): string {
    const page = this.#eta.render(view, data);
    if (layout === null) return page;
    const content = new Content(page);
    const whole = this.#eta.renderLayout(layout, data, content);
    if (content.placed) return whole;
    throw new TemplateError(
      "TEMPLATE_CONTENT",
      `The layout "${layout}" has no <%content%>: write it where the page goes`,
    );
  }
}

/** Eta keeps its parts as properties to be replaced; these are replaced by wrapped ones. */
class StrictEta extends Eta {
  /** For the views, by the function header. */
  readonly urlFor: UrlFor;
  readonly renderLayout: (layout: string, data: object, content: Content) => string;

  constructor(root: string | null, cache: boolean, urlFor: UrlFor) {
    super({
      cache,
      // What stands between tags stays as it was written.
      autoTrim: false,
      autoFilter: true,
      filterFunction: toText,
      // "Pretty" errors: the one way to learn which tag has failed.
      debug: true,
      functionHeader: "const urlFor = this.urlFor;",
    });
    this.urlFor = urlFor;
    this.resolvePath = (view) => resolveView(root, view);
    this.readFile = readView;

    const { render, parse, compile } = this;
    // `include` comes through here too.
    this.render = (view, data) => render.call(this, view, scopeOf(data, null));
    this.renderLayout = (layout, data, content) => render.call(this, layout, scopeOf(data, content));
    this.parse = (source) => readTags(source, parse.call(this, source));
    this.compile = (source, options) => {
      try {
        return compile.call(this, source, options);
      } catch (error) {
        const mistake = toTagError(error, source, () => this.compileToString(source, options));
        if (!(mistake instanceof TagError)) throw mistake;
        const { code, message, offset } = mistake;
        throw new TemplateError(code, message, { file: options?.filepath ?? "", source, offset });
      }
    };
    // In place of the line there is the offset: see readTags.
    this.RuntimeErr = (error, source, offset, file) => {
      throw toTemplateError(error, { file, source, offset });
    };
  }
}

function toTemplateError(error: unknown, place: Place): TemplateError {
  if (error instanceof TemplateError) return error;
  const at = (code: TemplateErrorCode, reason: string, cause?: unknown) =>
    new TemplateError(code, reason, place, cause === undefined ? undefined : { cause });
  if (error instanceof ContentError) return at("TEMPLATE_CONTENT", error.message);
  if (error instanceof MissingError) return at("TEMPLATE_UNKNOWN_VARIABLE", error.message);
  if (error instanceof ReferenceError) return at("TEMPLATE_UNKNOWN_VARIABLE", `${error.message}; data is under "it"`);
  return at("TEMPLATE_FAILED", error instanceof Error ? error.message : String(error), error);
}

function resolveView(root: string | null, view: string): string {
  if (root === null) {
    throw new TemplateError("TEMPLATE_NO_VIEWS", `The view "${view}" has no folder: name one with the option "views"`);
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
  // Line ends become what eta makes of them anyway, so that offsets stay true; a byte order mark is no text.
  return readFileSync(file, "utf8")
    .replace(/^\uFEFF/, "")
    .replaceAll(/\r\n?/g, "\n");
}
