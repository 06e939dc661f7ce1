/** What is wrong with a view, and where: for the log of its author, never for a client. */
import path from "node:path";

export type TemplateErrorCode =
  /** No views folder was named, or it is not there. */
  | "TEMPLATE_NO_VIEWS"
  | "TEMPLATE_NOT_FOUND"
  /** The path of the view leads out of the views folder. */
  | "TEMPLATE_OUTSIDE_VIEWS"
  /** A tag or a string is not closed, or what stands in the tags is no JavaScript. */
  | "TEMPLATE_SYNTAX"
  /** A tag that would do nothing, such as `<%name%>`. */
  | "TEMPLATE_UNKNOWN_TAG"
  /** A name that is not among the data, or a value that is undefined. */
  | "TEMPLATE_UNKNOWN_VARIABLE"
  /** `<%content%>` is missing from a layout, stands in it twice, or stands in a view that is not a layout. */
  | "TEMPLATE_CONTENT"
  /** Something that the view called has thrown; it is the cause. */
  | "TEMPLATE_FAILED";

/** A place in a view. */
export interface Place {
  /** Absolute. */
  readonly file: string;
  readonly source: string;
  /** In characters from the beginning. */
  readonly offset: number;
}

export class TemplateError extends Error {
  override readonly name = "TemplateError";
  readonly code: TemplateErrorCode;
  /** Absolute; `null` where it is not about what stands in a file. */
  readonly file: string | null;
  /** From 1. */
  readonly line: number | null;
  /** In characters, from 1. */
  readonly column: number | null;

  /** @param place goes before the reason, and its line with a caret below it. */
  constructor(code: TemplateErrorCode, reason: string, place?: Place, options?: ErrorOptions) {
    const at = place === undefined ? null : locate(place);
    super(at === null ? reason : `${at.name}:${at.line}:${at.column}: ${reason}\n${at.excerpt}`, options);
    this.code = code;
    this.file = place?.file ?? null;
    this.line = at?.line ?? null;
    this.column = at?.column ?? null;
  }
}

/** A file as a person would name it: from the working directory where it is below it. */
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
  // Tabs stay, so that the caret stands where the eye expects it.
  const caret = `${" ".repeat(gutter.length)}${lead.replaceAll(/[^\t]/g, " ")}^`;
  return { name: displayName(file), line, column: lead.length + 1, excerpt: `${gutter}${text}\n${caret}` };
}
