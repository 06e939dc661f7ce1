/** What is wrong with a view, and where: for the log of its author, never for a client. */
import path from "node:path";

/** The codes of {@link TemplateError}; `docs/errors.md` says what to do about each. */
export type TemplateErrorCode =
  /** The application has no views folder, or the folder does not exist. */
  | "TEMPLATE_NO_VIEWS"
  | "TEMPLATE_NOT_FOUND"
  /** The path of the view leads out of the views folder. */
  | "TEMPLATE_OUTSIDE_VIEWS"
  /** A tag, string or comment is not closed, or the code in the tags is not JavaScript. */
  | "TEMPLATE_SYNTAX"
  /** A tag that does nothing, such as `<%name%>` or `<%- include("row") %>`. */
  | "TEMPLATE_UNKNOWN_TAG"
  /** `json` is written with the tag for the other place: `<%~ json(…) %>` is for script elements, `<%= json(…) %>` for attributes. */
  | "TEMPLATE_CONTEXT"
  /** A name that is not among the data, or a value that is undefined. */
  | "TEMPLATE_UNKNOWN_VARIABLE"
  /** A value that has no text: a promise, a function, a plain object, an array. */
  | "TEMPLATE_VALUE"
  /** A layout has no `<%content%>` or has it twice, or a view that is not a layout has one. */
  | "TEMPLATE_CONTENT"
  /** The code of the view threw an error, which is the cause. */
  | "TEMPLATE_FAILED";

/** A place in a view. */
export interface Place {
  /** Absolute. */
  readonly file: string;
  readonly source: string;
  /** In characters from the beginning. */
  readonly offset: number;
}

/**
 * A view that cannot be read or rendered. The message has file, line, column and an excerpt; it is for the log, never for a
 * client.
 */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  /** Which rule the view breaks. */
  readonly code: TemplateErrorCode;
  /** Absolute; `null` where the error is not about the text of a file. */
  readonly file: string | null;
  /** From 1. */
  readonly line: number | null;
  /** In characters, from 1. */
  readonly column: number | null;

  /** @param place is written before the reason; its line, with a caret under the column, is written below it. */
  constructor(code: TemplateErrorCode, reason: string, place?: Place, options?: ErrorOptions) {
    const at = place === undefined ? null : locate(place);
    super(at === null ? reason : `${at.name}:${at.line}:${at.column}: ${reason}\n${at.excerpt}`, options);
    this.code = code;
    this.file = place?.file ?? null;
    this.line = at?.line ?? null;
    this.column = at?.column ?? null;
  }
}

/** The path of a file for a message: relative to the working directory if the file is below it. */
export function displayName(file: string): string {
  const relative = path.relative("", file);
  return relative.startsWith("..") ? file : relative;
}

function locate({ file, source, offset }: Place): { name: string; line: number; column: number; excerpt: string } {
  const before = source.slice(0, offset).split("\n");
  const line = before.length;
  const lead = before.at(-1) ?? "";
  const text = source.split("\n")[line - 1]?.trimEnd() ?? "";
  const gutter = `${line} | `;
  // Tabs are kept, so that the caret is under the column in a terminal.
  const caret = `${" ".repeat(gutter.length)}${lead.replaceAll(/[^\t]/g, " ")}^`;
  return { name: displayName(file), line, column: lead.length + 1, excerpt: `${gutter}${text}\n${caret}` };
}
