/** Path parameters as types: `PathParams<"/add/:code(\\d{6}).html">` is `{ readonly code: string }`. */

/** The parameters that a path captures. A path that is not known until run time may have any. */
export type PathParams<Path extends string> = string extends Path
  ? Readonly<Record<string, string>>
  : { readonly [Name in ParamName<Path>]: string };

/** The names after `:` and `*`; patterns are skipped. */
type ParamName<Path extends string, Found extends string = never> = Path extends `${infer Char}${infer Rest}`
  ? Char extends "("
    ? ParamName<AfterPattern<Rest>, Found>
    : Char extends ":" | "*"
      ? ParamName<AfterName<Rest>, Found | NameAt<Rest>>
      : ParamName<Rest, Found>
  : Found;

type NameAt<Path extends string, Read extends string = ""> = Path extends `${infer Char}${infer Rest}`
  ? Char extends NameChar
    ? NameAt<Rest, `${Read}${Char}`>
    : Read
  : Read;

type AfterName<Path extends string> = Path extends `${infer Char}${infer Rest}`
  ? Char extends NameChar
    ? AfterName<Rest>
    : Path
  : "";

/** What follows the parenthesis that closes a pattern: a backslash escapes, parentheses within are balanced. */
type AfterPattern<Path extends string, Open extends readonly 0[] = []> = Path extends `${infer Char}${infer Rest}`
  ? Char extends "\\"
    ? AfterPattern<AfterChar<Rest>, Open>
    : Char extends "("
      ? AfterPattern<Rest, [...Open, 0]>
      : Char extends ")"
        ? Open extends readonly [0, ...infer Outer extends readonly 0[]]
          ? AfterPattern<Rest, Outer>
          : Rest
        : AfterPattern<Rest, Open>
  : "";

type AfterChar<Path extends string> = Path extends `${infer _Char}${infer Rest}` ? Rest : "";

type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Letter =
  | ("a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m")
  | ("n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z");
type NameChar = Letter | Uppercase<Letter> | Digit | "_";
