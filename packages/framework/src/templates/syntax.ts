/** Reads what eta made of a view: where each tag stands, which tags mean nothing, and where a syntax error is. */
import { Script } from "node:vm";
import { EtaParseError, type Eta } from "eta/core";
import type { TemplateErrorCode } from "./error.ts";

export type Ast = ReturnType<Eta["parse"]>;

/** Where the page goes in a layout. It is a name that no data can have by accident. */
export const CONTENT = "<%content%>";

/** A mistake at a place of a view whose file is known further out. */
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
 * Gives each tag its offset in place of its line, which eta hands back when the tag fails, and gives `<%content%>` its meaning.
 * @throws TagError `TEMPLATE_UNKNOWN_TAG`
 */
export function readTags(source: string, ast: Ast): Ast {
  let cursor = 0;
  return ast.map((item) => {
    if (typeof item === "string") return item;
    const offset = source.indexOf("<%", cursor);
    cursor = source.indexOf(item.val, offset + 2) + item.val.length;
    const code = item.val.trim();
    if (item.t === "e" && code === "content") return { t: "r", val: `it[${JSON.stringify(CONTENT)}]`, lineNo: offset };
    if (item.t === "e" && NAME_ONLY.test(code) && !STATEMENTS.has(code)) {
      throw new TagError("TEMPLATE_UNKNOWN_TAG", `the tag <%${code}%> does nothing; a value is <%= … %>`, offset);
    }
    return { ...item, lineNo: offset };
  });
}

const NAME_ONLY = /^[\w$]+(?:\.[\w$]+)*$/;
const STATEMENTS: ReadonlySet<string> = new Set(["break", "continue", "return"]);

/** The mistake behind an error of eta's parser or compiler. @param compile gives the view's code, where it can be parsed. */
export function toTagError(error: unknown, source: string, compile: () => string): unknown {
  if (!(error instanceof EtaParseError)) return error;
  const [, reason, line, column] = /^(.*) at line (\d+) col (\d+)/.exec(error.message) ?? [];
  if (reason !== undefined) {
    return new TagError("TEMPLATE_SYNTAX", reason, offsetOf(source, Number(line), Number(column)));
  }
  const code = compile();
  try {
    void new Script(`(function () {${code}\n})`, { filename: FILENAME });
  } catch (syntax) {
    if (syntax instanceof SyntaxError) {
      return new TagError("TEMPLATE_SYNTAX", inWordsOfTheView(syntax.message), tagBefore(code, syntax));
    }
  }
  return new TagError("TEMPLATE_SYNTAX", "this is no JavaScript", 0);
}

/** Around the view's code there is a `try` of eta's, which its author knows nothing of. */
function inWordsOfTheView(message: string): string {
  if (message.startsWith("Missing catch")) return "a } closes nothing";
  if (message === "Unexpected token 'catch'") return "a { is not closed";
  return message;
}

const FILENAME = "view";

/** The offset of the tag whose code comes last before the line that the engine complains about. */
function tagBefore(code: string, { stack = "" }: SyntaxError): number {
  const line = Number(/^view:(\d+)/.exec(stack)?.[1] ?? Infinity);
  const marks = code
    .split("\n")
    .slice(0, line)
    .join("\n")
    .matchAll(/^__eta\.line=(\d+)$/gm);
  return Number([...marks].at(-1)?.[1] ?? 0);
}

function offsetOf(source: string, line: number, column: number): number {
  const before = source.split("\n").slice(0, line - 1);
  return before.join("\n").length + (before.length > 0 ? 1 : 0) + column - 1;
}
