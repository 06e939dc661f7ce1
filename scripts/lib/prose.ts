/** The words that this project does not use in code, comments, messages, tests and documents, each with what to write instead. */

export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly word: string;
  readonly instead: string;
}

/** A pattern is the inside of a regular expression between word boundaries. Upper case in it matches only upper case. */
const TABLE: readonly (readonly [pattern: string, instead: string])[] = [
  ["nobody(?:'s)?", "name the subject: no client, no handler, no listener"],
  ["(?:any|some|every)body(?:'s)?", "name the subject: any client, the caller, every listener"],
  ["whoever|whomever", "name the subject: the caller, any client that"],
  ["Who", "name the subject"],
  ["told|tells|telling", "reports, states, is notified of, is configured to"],
  ["hears?|heard|hearing", "receives, is notified of"],
  ["(?:no|any) news", "is not a new failure, is expected"],
  ["answer(?:s|ed|ing)?|unanswered", "response, respond (HTTP); result, return (a function)"],
  ["silences?", "inactivity; idle timeout"],
  ["patience|impatient", "timeout, deadline"],
  ["farewells?", "last response, close frame"],
  ["crowds?", "connection limit"],
  ["(?:let|lets|letting) in", "accept"],
  ["(?:has|have) (?:its|their|a) say", "runs before"],
  ["rooms? of (?:its|their) own", "a separate file"],
  ["cut off|cuts off", "terminate"],
  ["(?:throw|throws|thrown) it on", "rethrow"],
  ["breach(?:es)?", "violation"],
  ["stand-ins?", "replacement"],
  ["scenes?", "probe"],
  ["glances?", "fast check"],
  ["cues?", "release"],
  ["outbox(?:es)?", "write buffer"],
  ["vocabular(?:y|ies)", "header prefix cache"],
  ["words? too many", 'unexpected argument "x"'],
  ["mend(?:s|ed|ing)?", "fix"],
  ["time-outs?", "timeout"],
  ["for ever", "forever, without limit, indefinitely"],
  ["anew", "again"],
  ["lest", "so that … not"],
  ["without a word", "silently"],
  ["now and then", "from time to time"],
];

const RULES = TABLE.map(([pattern, instead]) => ({
  expression: new RegExp(`\\b(?:${pattern})\\b`, /[A-Z]/.test(pattern) ? "g" : "gi"),
  instead,
}));

/** Every use of a listed word, in the order of the lines. */
export function findDialect(text: string): readonly Finding[] {
  return text
    .split("\n")
    .flatMap((line, index) =>
      RULES.flatMap(({ expression, instead }) =>
        [...line.matchAll(expression)].map(([word]) => ({ line: index + 1, word, instead })),
      ),
    );
}
