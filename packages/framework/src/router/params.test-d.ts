/** The compiler is the test: each line is an error where the type is another. */
import type { PathParams } from "./params.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Names<Path extends string> = keyof PathParams<Path>;

export const cases: readonly true[] = [
  true satisfies Same<Names<"/index.html">, never>,
  true satisfies Same<Names<"/users/:id">, "id">,
  true satisfies Same<PathParams<"/users/:id">, { readonly id: string }>,
  true satisfies Same<PathParams<"/users/:id<int>/posts/:slug.html">, { readonly id: number; readonly slug: string }>,
  true satisfies Same<PathParams<"/:id<int>-:from">, { readonly id: number; readonly from: string }>,
  true satisfies Same<Names<"/:user_id/posts/:post2">, "user_id" | "post2">,
  true satisfies Same<Names<"/add/:code(\\d{6}).html">, "code">,
  true satisfies Same<Names<"/:from-:to">, "from" | "to">,
  true satisfies Same<Names<"/:base...:head">, "base" | "head">,
  true satisfies Same<
    PathParams<"/:from-:to/*rest">,
    { readonly from: string; readonly to: string; readonly rest: string }
  >,
  true satisfies Same<Names<"/:a((?:x|:y)*)/:b">, "a" | "b">,
  true satisfies Same<Names<"/:a(\\(:x\\))/:b">, "a" | "b">,
  true satisfies Same<Names<"/:a((?:x|y)/z)/:b">, "a" | "b">,
  true satisfies Same<PathParams<"/:a((?:x|y))/:b<int>">, { readonly a: string; readonly b: number }>,
  true satisfies Same<Names<"/files/:owner/*path">, "owner" | "path">,
  true satisfies Same<PathParams<string>, Readonly<Record<string, string>>>,
];
