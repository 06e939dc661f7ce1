/**
 * Path parameters as types: `PathParams<"/users/:id<int>/:page.html">` is `{ readonly id: number; readonly page: string }`.
 *
 * A path is split at colons and slashes, which takes a third of the instantiations that reading it letter by letter does. Only
 * a path whose pattern holds a colon, a star, a parenthesis or a backslash is read letter by letter.
 */

/** The parameters that a path captures. A path that is not known until run time may have any. */
export type PathParams<Path extends string> = string extends Path
  ? Readonly<Record<string, string>>
  : { readonly [Piece in Pieces<WithoutPatterns<Path>> as NameOf<Piece>]: Converted<Piece> };

/** The texts that follow a colon or a star, up to the next one. */
type Pieces<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Head}/${infer Tail}`
    ? PiecesOfSegment<Head> | Pieces<`/${Tail}`>
    : PiecesOfSegment<Rest>
  : Path extends `${string}*${infer Rest}`
    ? Rest
    : never;

type PiecesOfSegment<Text extends string> = Text extends `${infer First}:${infer Rest}`
  ? First | PiecesOfSegment<Rest>
  : Text;

/** A piece without the text that follows the name. */
type NameOf<Piece extends string> = Piece extends `${infer Name}${NameEnd}${string}` ? NameOf<Name> : Piece;
type NameEnd = "/" | "." | "-" | "<" | "(" | "~" | "@" | "," | ";" | "!" | "$" | "&" | "'" | "+" | "=" | " ";

type Converted<Piece extends string> = Piece extends `${string}<int>${string}` ? number : string;

type WithoutPatterns<Path extends string> = Path extends `${infer Before}(${infer Pattern})${infer After}`
  ? Pattern extends `${string}${":" | "*" | "(" | "\\"}${string}`
    ? Pattern extends `\\${"d" | "w"}${"+" | `{${string}}`}`
      ? WithoutPatterns<`${Before}${After}`>
      : NamesAsPath<ParamName<Path>>
    : WithoutPatterns<`${Before}${After}`>
  : Path;

type NamesAsPath<Name extends string> = Name extends string ? `:${Name}` : never;

/** The names after `:` and `*`, letter by letter; patterns are skipped. */
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
    : Rest extends `int>${string}`
      ? Char extends "<"
        ? `${Read}<int>`
        : Read
      : Read
  : Read;

type AfterName<Path extends string> = Path extends `${infer Char}${infer Rest}`
  ? Char extends NameChar
    ? AfterName<Rest>
    : Path
  : "";

/** The text behind the parenthesis that closes a pattern: a backslash escapes, parentheses within are balanced. */
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
