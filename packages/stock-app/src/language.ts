/** The language of a page: the one that the visitor has chosen, else the browser's. */
import type { BareContext } from "@tsgi/framework";
import { readCookies } from "@tsgi/framework/cookies";
import { isLanguage, type Language } from "./sentences.ts";

/** The cookie of the switch in the header. */
export const LANGUAGE_COOKIE = "language";

const DEFAULT_LANGUAGE: Language = "zh";

/** A need. The response depends on both header fields, which caches must know. */
export function languageOf({ request, header }: Pick<BareContext, "request" | "header">): Language {
  header("vary", "accept-language, cookie");
  const chosen = readCookies(request).get(LANGUAGE_COOKIE) ?? "";
  return isLanguage(chosen) ? chosen : preferredLanguage(request.headers.get("accept-language") ?? "");
}

/** The first language of `Accept-Language` (RFC 9110 §12.5.4) by its weight that the pages have. */
function preferredLanguage(field: string): Language {
  const ranges = field
    .split(",")
    .map((item) => {
      const [range = "", ...parameters] = item
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? "1";
      return { language: range.split("-")[0] ?? "", weight: Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight);
  for (const { language } of ranges) if (isLanguage(language)) return language;
  return DEFAULT_LANGUAGE;
}
