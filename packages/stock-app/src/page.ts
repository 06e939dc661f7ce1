/** What every page has besides its own content: language, navigation, login and the report of the last action. */
import { type BareContext, HttpError, type RenderOptions, type Reply } from "@tsgi/framework";
import { readCookies } from "@tsgi/framework/cookies";
import { z } from "zod";
import { languageOf } from "./language.ts";
import { fill, SENTENCES, type Sentence, type Sentences } from "./sentences.ts";

/** A need: the name of the account that is logged in, or `null`. */
export type Account = (context: BareContext) => Promise<string | null>;

/** The action that a redirect reports in the query of the next page. */
export type Done = "followed" | "noted" | "unfollowed" | "saved";

const DONE: Readonly<Record<Done, Sentence>> = {
  followed: "doneFollowed",
  noted: "doneNoted",
  unfollowed: "doneUnfollowed",
  saved: "doneSaved",
};

export interface PageData {
  /** The link of the navigation that is current. */
  readonly page: string;
  readonly title: string;
  readonly [name: string]: unknown;
}

/** An error whose message is a sentence for the reader of a page, in the language of the request. */
export class SpokenError extends HttpError {}

/** The sentences in the language of the request. */
export function sentencesOf(context: BareContext): Sentences {
  return SENTENCES[context.need(languageOf)];
}

/**
 * Renders a view in the layout.
 * @param data is given the sentences, since most of it contains some.
 */
export async function showPage(
  context: BareContext,
  account: Account,
  view: string,
  data: (t: Sentences) => PageData,
  options: RenderOptions = {},
): Promise<Reply> {
  const t = sentencesOf(context);
  return context.render(
    view,
    {
      t,
      fill,
      language: context.need(languageOf),
      back: backOf(context.url),
      notice: noticeOf(context, t),
      account: await context.need(account),
      version: null,
      ...data(t),
    },
    options,
  );
}

/** Path and query of a page, without the report of an action. */
function backOf(url: URL): string {
  const query = new URLSearchParams(url.searchParams);
  for (const name of ["done", "code"]) query.delete(name);
  return query.size === 0 ? url.pathname : `${url.pathname}?${query.toString()}`;
}

interface Notice {
  readonly text: string;
  /** Whether the action can be undone. */
  readonly undo: boolean;
}

function noticeOf(context: BareContext, t: Sentences): Notice | null {
  const query = context.url.searchParams;
  const done = query.get("done") ?? "";
  const code = query.get("code") ?? "";
  if (!isDone(done) || !(done === "saved" || /^\d{6}$/.test(code))) return null;
  const undo = done === "unfollowed" && readUndo(context.request)?.code === code;
  return { text: fill(t[DONE[done]], { code }), undo };
}

function isDone(text: string): text is Done {
  return Object.hasOwn(DONE, text);
}

/** A place on this site, from a client, as browsers read it: two slashes at its beginning would name another site. */
export function localPath(text: string | null, otherwise: string): string {
  const url = text?.startsWith("/") === true ? URL.parse(text, HERE) : null;
  if (url === null || url.origin !== HERE || url.pathname.startsWith("//")) return otherwise;
  return url.pathname + url.search + url.hash;
}

const HERE = "http://local.invalid";

/** The page to go to after an action, with the report of it. */
export function after(path: string, done: Done, code: string | null = null): string {
  const url = new URL(path, HERE);
  url.searchParams.set("done", done);
  if (code === null) url.searchParams.delete("code");
  else url.searchParams.set("code", code);
  return url.pathname + url.search;
}

/** The cookie that remembers the note of the stock that was unfollowed last, for undo without a script. */
const UNDO_COOKIE = "undo";
const Undo = z.object({ code: z.string().regex(/^\d{6}$/), note: z.string() });

export function keepUndo({ cookie, exchange }: BareContext, undo: z.infer<typeof Undo>): void {
  cookie(UNDO_COOKIE, JSON.stringify(undo), { secure: exchange.encrypted, maxAgeSeconds: 600 });
}

export function dropUndo({ cookie, exchange }: BareContext): void {
  cookie(UNDO_COOKIE, "", { secure: exchange.encrypted, maxAgeSeconds: 0 });
}

export function readUndo(request: BareContext["request"]): z.infer<typeof Undo> | null {
  try {
    const value: unknown = JSON.parse(readCookies(request).get(UNDO_COOKIE) ?? "null");
    return Undo.safeParse(value).data ?? null;
  } catch {
    return null;
  }
}
