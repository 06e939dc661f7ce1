/**
 * The pages of the stocks. GET shows. POST changes, then redirects to a page that reports the change, so that a reload does not
 * repeat it. An action that is not possible is an error whose message is a sentence for the reader.
 */
import { type App, type Context, get, type HttpError, on, post, type Reply, route } from "@tsgi/framework";
import { DatabaseError } from "@tsgi/framework/database";
import { formPage } from "@tsgi/framework/forms";
import { z } from "zod";
import type { Changes } from "./changes.ts";
import { FILTERS, ListQuery, SORT_KEYS } from "./contract.ts";
import { distanceOf, signed } from "./figures.ts";
import { LANGUAGE_COOKIE } from "./language.ts";
import { isNoteTooLong } from "./note.ts";
import {
  type Account,
  after,
  dropUndo,
  keepUndo,
  localPath,
  readUndo,
  sentencesOf,
  showPage,
  SpokenError,
} from "./page.ts";
import { fill, isLanguage, type Sentence, type Sentences } from "./sentences.ts";
import type { Refusal, StockStore } from "./stock-store.ts";

type OfStock = Context<{ code: string }>;

const first = route("GET /", { query: ListQuery });
const index = route("GET /index.html", { name: "index", query: ListQuery });

export class StockPages {
  readonly #stocks: StockStore;
  readonly #changes: Changes;
  readonly #account: Account;

  constructor(stocks: StockStore, changes: Changes, account: Account) {
    this.#stocks = stocks;
    this.#changes = changes;
    this.#account = account;
  }

  @on(first)
  @on(index)
  async index(context: Context<typeof index>): Promise<Reply> {
    const { query } = context;
    // The version first: a change between the two is reported once more, not missed.
    const version = await this.#stocks.version();
    const list = await this.#stocks.list(query);
    return showPage(context, this.#account, "index", (t) => ({
      page: "index",
      title: t.index,
      version,
      list,
      query,
      columns: SORT_KEYS,
      filters: FILTERS.map((name) => ({ name, label: t[FILTER_LABEL[name]] })),
      distanceOf,
      signed,
    }));
  }

  @get("/center.html", { name: "center" })
  async center(context: Context): Promise<Reply> {
    const version = await this.#stocks.version();
    const stocks = await this.#stocks.followed();
    return showPage(context, this.#account, "center", (t) => ({
      page: "center",
      title: t.center,
      version,
      stocks,
      distanceOf,
      signed,
    }));
  }

  @post("/add/:code(\\d{6}).html", { name: "add" })
  async add(context: OfStock): Promise<Reply> {
    const { code } = context.params;
    assertDone(await this.#stocks.follow(code), code, sentencesOf(context));
    await this.#changes.announce();
    // Back to the row of the stock.
    const back = localPath(context.query.get("back"), context.urlFor("index"));
    return context.redirect(`${after(back, "followed", code)}#stock-${code}`);
  }

  @post("/delete/:code(\\d{6}).html", { name: "delete" })
  async remove(context: OfStock): Promise<Reply> {
    const { code } = context.params;
    const stock = await this.#stocks.findFollowed(code);
    const t = sentencesOf(context);
    if (typeof stock === "string") throw refusal(stock, code, t);
    assertDone(await this.#stocks.unfollow(code), code, t);
    await this.#changes.announce();
    keepUndo(context, { code, note: stock.note });
    return context.redirect(after(localPath(context.query.get("back"), context.urlFor("center")), "unfollowed", code));
  }

  /** Follows the stock again that was unfollowed last, with its note. */
  @post("/undo.html", { name: "undo" })
  async undo(context: Context): Promise<Reply> {
    const t = sentencesOf(context);
    const undo = readUndo(context.request);
    if (undo === null) throw new SpokenError(409, "NOTHING_TO_UNDO", t.nothingToUndo);
    assertDone(await this.#stocks.follow(undo.code, undo.note), undo.code, t);
    await this.#changes.announce();
    dropUndo(context);
    const back = localPath(context.query.get("back"), context.urlFor("center"));
    return context.redirect(`${after(back, "followed", undo.code)}#stock-${undo.code}`);
  }

  /** Reports changes of the followed stocks to an open page. */
  @get("/events", { name: "events" })
  events(context: Context): Reply {
    return this.#changes.stream(context, context.query.get("since") ?? "");
  }

  @post("/language.html", { name: "language" })
  language(context: Context): Reply {
    const language = context.query.get("to") ?? "";
    if (!isLanguage(language)) throw new SpokenError(422, "LANGUAGE_UNKNOWN", "The languages are zh and en");
    context.cookie(LANGUAGE_COOKIE, language, { secure: context.exchange.encrypted, maxAgeSeconds: 31_536_000 });
    return context.redirect(localPath(context.query.get("back"), context.urlFor("index")));
  }
}

export interface NotePageServices {
  readonly stocks: StockStore;
  readonly changes: Changes;
  readonly account: Account;
  readonly warn: (line: string) => void;
}

/** The page of a note. What was typed comes back with every mistake, also where the stock was unfollowed in the meantime. */
export function addNotePage(app: App<void>, { stocks, changes, account, warn }: NotePageServices): void {
  formPage(app, "/update/:code(\\d{6}).html", {
    name: "update",
    form: { note: z.string().trim(), follow: z.enum(["", "yes"]).default("") },
    show: async (context) => {
      const { params, form } = context;
      const t = sentencesOf(context);
      const followed = await stocks.findFollowed(params.code);
      const typed = form.values.note;
      // Without a text there is nothing to keep.
      if (typeof followed === "string" && typed === undefined) throw refusal(followed, params.code, t);
      const stock = typeof followed === "string" ? await stocks.find(params.code) : followed;
      if (typeof stock === "string") throw refusal(stock, params.code, t);
      return showPage(context, account, "update", () => ({
        page: "update",
        // The page shows no table that could be old.
        version: 0,
        title: fill(t.noteTitle, { name: stock.short }),
        stock,
        note: typed ?? ("note" in stock ? stock.note : ""),
        isFollowed: "note" in stock,
        error:
          form.errors.form ??
          (form.errors.note !== undefined && typed === undefined ? t.noteMissing : form.errors.note) ??
          null,
      }));
    },
    submit: async (context) => {
      const { params, form, invalid } = context;
      const { code } = params;
      const t = sentencesOf(context);
      if (isNoteTooLong(form.note)) return invalid({ note: t.noteTooLong });
      const outcome = await store(code, form).catch((error: unknown) => {
        if (error instanceof DatabaseError) return error;
        throw error;
      });
      if (outcome instanceof DatabaseError) {
        warn(`POST /update/${code}.html failed with 503: ${outcome.code} ${outcome.message}`);
        return showPage(context, account, "update", () => ({ ...unstored(code, form.note, t), error: t.status503 }), {
          status: 503,
          headers: { "retry-after": "5" },
        });
      }
      if (outcome === "not followed") return invalid({ form: t.notFollowedAnyMore });
      if (outcome === "note not storable") return invalid({ note: t.noteNotStorable });
      assertDone(outcome, code, t);
      await changes.announce();
      return context.redirect(after(context.urlFor("center"), "noted", code));
    },
  });

  async function store(code: string, form: { readonly note: string; readonly follow: string }) {
    const outcome = await stocks.setNote(code, form.note);
    return outcome === "not followed" && form.follow === "yes" ? stocks.follow(code, form.note) : outcome;
  }
}

/** The page with what was typed where the database fails, which would say the name of the stock. */
function unstored(code: string, note: string, t: Sentences) {
  const stock = { code, short: "" };
  return { page: "update", version: 0, title: t.editNote, stock, note, isFollowed: true };
}

const FILTER_LABEL = {
  followed: "showFollowed",
  unfollowed: "showUnfollowed",
  up: "showUp",
  down: "showDown",
} as const satisfies Record<(typeof FILTERS)[number], Sentence>;

function assertDone(outcome: "done" | Refusal, code: string, t: Sentences): void {
  if (outcome !== "done") throw refusal(outcome, code, t);
}

const REFUSALS = {
  "no such stock": [404, "STOCK_UNKNOWN", "noSuchStock"],
  "already followed": [409, "STOCK_ALREADY_FOLLOWED", "alreadyFollowed"],
  "not followed": [404, "STOCK_NOT_FOLLOWED", "notFollowed"],
  "note not storable": [422, "NOTE_NOT_STORABLE", "noteNotStorable"],
} as const satisfies Record<Refusal, readonly [number, string, Sentence]>;

/** The error for an action that is not possible, in the given language. */
export function refusal(reason: Refusal, code: string, t: Sentences): HttpError {
  const [status, errorCode, sentence] = REFUSALS[reason];
  return new SpokenError(status, errorCode, fill(t[sentence], { code }));
}
