/** Finds the tag whose code is not JavaScript. */
import { Script } from "node:vm";
import { TagError } from "./tags.ts";

/**
 * The mistake behind an error of eta's compiler.
 * @param code the function body that eta made of the view.
 */
export function locateSyntaxError(code: string): TagError {
  try {
    void new Script(`(function () {${code}\n})`, { filename: FILENAME });
  } catch (syntax) {
    if (syntax instanceof SyntaxError) {
      return new TagError("TEMPLATE_SYNTAX", withoutSurroundings(syntax.message), tagBefore(code, syntax));
    }
  }
  return new TagError("TEMPLATE_SYNTAX", "the code in the tags is not JavaScript", 0);
}

const FILENAME = "view";

/** Eta puts a `try` around the code of the view, which the author of the view does not see. */
function withoutSurroundings(message: string): string {
  if (message.startsWith("Missing catch")) return "a } has no matching {";
  if (message === "Unexpected token 'catch'") return "a { is not closed";
  return message;
}

/** The offset of the last tag before the line that the engine names. */
function tagBefore(code: string, { stack = "" }: SyntaxError): number {
  const line = Number(/^view:(\d+)/.exec(stack)?.[1] ?? Infinity);
  const marks = code
    .split("\n")
    .slice(0, line)
    .join("\n")
    .matchAll(/^__eta\.line=(\d+)$/gm);
  return Number([...marks].at(-1)?.[1] ?? 0);
}
