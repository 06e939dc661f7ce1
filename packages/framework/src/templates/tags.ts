/**
 * Splits a view into text and tags, and refuses tags that do nothing. It stands in for eta's own parser, which knows neither
 * line comments nor regular expressions and takes an apostrophe in one for the beginning of a string.
 */
import { Script } from "node:vm";
import type { Eta } from "eta/core";
import jsTokens, { type Token } from "js-tokens";
import type { TemplateErrorCode } from "./error.ts";

/** What eta compiles: texts, escaped for a string in single quotes, and tags. */
export type Ast = ReturnType<Eta["parse"]>;

/** The name under which a layout finds the page. Data with this name does not occur by accident. */
export const CONTENT = "<%content%>";

/** A mistake at a place of a view. The caller knows the file. */
export class TagError extends Error {
  readonly code: TemplateErrorCode;
  readonly offset: number;

  constructor(code: TemplateErrorCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * The syntax tree of a view. In place of the line number a tag has its offset, which eta hands back when the tag fails.
 * @throws TagError `TEMPLATE_SYNTAX`, `TEMPLATE_UNKNOWN_TAG`, `TEMPLATE_CONTEXT`
 */
export function parseTags(source: string): Ast {
  const ast: Ast = [INCLUDE];
  const script = new ScriptElements();
  let cursor = 0;
  let trimStart: TrimMark = "";
  for (;;) {
    const offset = source.indexOf("<%", cursor);
    const tag = offset === -1 ? null : readTag(source, offset);
    const text = source.slice(cursor, tag?.offset);
    const trimmed = trim(text, trimStart, tag?.trimBefore ?? "");
    if (trimmed !== "") ast.push(quote(trimmed));
    if (tag === null) return ast;
    script.read(text);
    ast.push(compileTag(tag, script.open));
    cursor = tag.end;
    trimStart = tag.trimAfter;
  }
}

/** Eta's own `include` copies the data, and so calls every getter. */
const INCLUDE = {
  t: "e",
  val: "const include = (view, data = {}) => this.include(it, view, data);",
  lineNo: 0,
} as const;

/** `-` removes one line end beside the tag, `_` all white space. */
type TrimMark = "" | "-" | "_";

interface Tag {
  /** Of its `<%`. */
  readonly offset: number;
  /** Behind its `%>`. */
  readonly end: number;
  /** `=` writes escaped, `~` writes as it is, nothing runs. */
  readonly kind: "" | "=" | "~";
  readonly code: string;
  /** Without white space and comments. */
  readonly tokens: readonly Token[];
  readonly trimBefore: TrimMark;
  readonly trimAfter: TrimMark;
}

/** @throws TagError */
function readTag(source: string, offset: number): Tag {
  OPENING.lastIndex = offset;
  const [opening = "<%", trimBefore = "", kind = ""] = OPENING.exec(source) ?? [];
  const start = offset + opening.length;
  if (source[start] === "#") {
    throw new TagError("TEMPLATE_UNKNOWN_TAG", "<%# is not a tag: a comment is <% /* … */ %>", offset);
  }
  const { tokens, close } = readCode(source, start, offset);
  let code = source.slice(start, close);
  let trimAfter: TrimMark = "";
  const [, before = "", mark = ""] = /^([^]*)([-_])$/.exec(code) ?? [];
  // `i--` and `name_` are code.
  if (mark === "-" ? !before.endsWith("-") : mark === "_" && !/[\w$]$/.test(before)) {
    code = before;
    trimAfter = mark as TrimMark;
  }
  return {
    offset,
    end: close + 2,
    kind: kind as Tag["kind"],
    code: code.trim(),
    tokens: trimAfter === "" ? tokens : tokens.slice(0, -1),
    trimBefore: trimBefore as TrimMark,
    trimAfter,
  };
}

const OPENING = /<%([-_])?\s*([=~])?\s*/y;

/** Reads JavaScript up to the `%>` that is not part of a string, a comment between `/*` marks, or a regular expression. */
function readCode(source: string, start: number, tag: number): { tokens: readonly Token[]; close: number } {
  const tokens: Token[] = [];
  let at = start;
  for (const token of jsTokens(source.slice(start))) {
    if (token.type === "Punctuator" && token.value === "%" && source[at + 1] === ">") return { tokens, close: at };
    if (token.type === "SingleLineComment") {
      const close = token.value.indexOf("%>");
      if (close !== -1) return { tokens, close: at + close };
    } else if ("closed" in token && !token.closed) {
      throw new TagError("TEMPLATE_SYNTAX", `unclosed ${UNCLOSED[token.type] ?? "string"}`, at);
    } else if (!BLANK.has(token.type)) {
      tokens.push(token);
    }
    at += token.value.length;
  }
  throw new TagError("TEMPLATE_SYNTAX", "unclosed tag", tag);
}

const UNCLOSED: Readonly<Record<string, string>> = {
  MultiLineComment: "comment",
  RegularExpressionLiteral: "regular expression",
};
const BLANK: ReadonlySet<string> = new Set(["WhiteSpace", "LineTerminatorSequence", "MultiLineComment"]);

function compileTag(tag: Tag, inScript: boolean): Ast[number] {
  const { kind, code, offset: lineNo } = tag;
  const [first, second] = tag.tokens;
  if (kind === "") {
    if (code === "content") return { t: "r", val: `it[${JSON.stringify(CONTENT)}]`, lineNo };
    assertEffect(tag);
    // Eta writes an assignment without a semicolon before it; `[` and `(` would go on with that.
    return { t: "e", val: `;${code}`, lineNo };
  }
  if (first === undefined) throw new TagError("TEMPLATE_SYNTAX", `the tag <%${kind}%> has no value`, lineNo);
  if (first.value === "json" && second?.value === "(" && inScript !== (kind === "~")) {
    const place = inScript
      ? "in a script element write <%~ json(…) %>"
      : "outside of a script element write <%= json(…) %>";
    throw new TagError("TEMPLATE_CONTEXT", place, lineNo);
  }
  // The line end closes a comment at the end of the code. Eta filters what it escapes; what it does not, is filtered here.
  return kind === "=" ? { t: "i", val: `${code}\n`, lineNo } : { t: "r", val: `__eta.f(${code}\n)`, lineNo };
}

/** @throws TagError where the code of a tag that writes nothing is a value with no effect. */
function assertEffect({ code, tokens, trimBefore, offset }: Tag): void {
  const [first, second] = tokens;
  if (first === undefined || !isExpression(code)) return;
  const isCall = tokens.some(({ value }) => value === "(");
  const shown = code.length > 40 ? `${code.slice(0, 39)}…` : code;
  const refuse = (reason: string) => {
    throw new TagError("TEMPLATE_UNKNOWN_TAG", reason, offset);
  };
  if (HTML_HELPERS.has(first.value) && second?.value === "(") {
    refuse(`the tag <%${trimBefore} ${shown} %> writes nothing: write <%~ ${shown} %>`);
  }
  if (TEXT_HELPERS.has(first.value) && second?.value === "(") {
    refuse(`the tag <%${trimBefore} ${shown} %> writes nothing: write <%= ${shown} %>`);
  }
  if (!isCall && !tokens.some(({ value }) => EFFECTS.has(value))) {
    refuse(`the tag <%${shown}%> does nothing; a value is <%= … %>`);
  }
  if (trimBefore === "-") {
    refuse(
      `the tag <%- ${shown} %> writes nothing: write <%~ … %> for HTML, <%= … %> for text, or end a statement with ";"`,
    );
  }
}

const HTML_HELPERS: ReadonlySet<string> = new Set(["include"]);
const TEXT_HELPERS: ReadonlySet<string> = new Set(["urlFor", "json", "cspNonce"]);
const EFFECTS: ReadonlySet<string> = new Set(
  "= += -= *= /= %= **= <<= >>= >>>= &= |= ^= &&= ||= ??= ++ -- new delete".split(" "),
);

function isExpression(code: string): boolean {
  try {
    void new Script(`(${code}\n)`);
    return true;
  } catch {
    return false;
  }
}

/** Where the text of a view is inside a script element, between its start tag and its end tag. */
class ScriptElements {
  open = false;
  #inStartTag = false;

  read(text: string): void {
    for (const [mark] of text.matchAll(/<\/?script\b|>/gi)) {
      if (mark === ">") {
        this.open ||= this.#inStartTag;
        this.#inStartTag = false;
      } else if (mark.startsWith("</")) {
        this.open = false;
      } else {
        this.#inStartTag = !this.open;
      }
    }
  }
}

function trim(text: string, start: TrimMark, end: TrimMark): string {
  let trimmed = text;
  if (start === "_") trimmed = trimmed.trimStart();
  if (start === "-") trimmed = trimmed.replace(/^\n/, "");
  if (end === "_") trimmed = trimmed.trimEnd();
  if (end === "-") trimmed = trimmed.replace(/\n$/, "");
  return trimmed;
}

function quote(text: string): string {
  return text.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
}
