/**
 * The pages. GET shows. POST changes, then redirects to a page that reports the change, so that a reload does not repeat it. An
 * action that is not possible is an error whose message is a sentence for the reader.
 */
import { type Context, get, HttpError, post } from "@tsgi/framework";
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { type Done, sentenceAfter, sentenceOfRefusal } from "./sentences.ts";
import { MAX_NOTE_LENGTH, type Refusal, type StockStore } from "./stock-store.ts";

type OfStock = Context<{ code: string }>;

export class StockPages {
  readonly #stocks: StockStore;

  constructor(stocks: StockStore) {
    this.#stocks = stocks;
  }

  @get("/")
  @get("/index.html", { name: "index" })
  async index(context: Context): Promise<OutgoingResponse> {
    const stocks = await this.#stocks.all();
    return context.render("index", { page: "index", title: "股票列表", notice: sentenceAfter(context.query), stocks });
  }

  @get("/center.html", { name: "center" })
  async center(context: Context): Promise<OutgoingResponse> {
    const stocks = await this.#stocks.followed();
    return context.render("center", {
      page: "center",
      title: "自选中心",
      notice: sentenceAfter(context.query),
      stocks,
    });
  }

  @post("/add/:code(\\d{6}).html", { name: "add" })
  async add(context: OfStock): Promise<OutgoingResponse> {
    const { code } = context.params;
    assertDone(await this.#stocks.follow(code), code);
    // Back to the row of the stock.
    return context.redirect(`${context.urlFor("index")}${after("followed", code)}#stock-${code}`);
  }

  @get("/update/:code(\\d{6}).html", { name: "update" })
  async edit(context: OfStock): Promise<OutgoingResponse> {
    const { code } = context.params;
    const stock = await this.#stocks.findFollowed(code);
    if (typeof stock === "string") throw refusal(stock, code);
    return context.render("update", {
      page: "update",
      title: `修改备注：${stock.short}`,
      stock,
      maxLength: MAX_NOTE_LENGTH,
    });
  }

  @post("/update/:code(\\d{6}).html", { name: "update" })
  async update(context: OfStock): Promise<OutgoingResponse> {
    const { code } = context.params;
    const form = await context.form();
    const note = form.get("note")?.trim();
    if (note === undefined) throw new HttpError(422, "NOTE_MISSING", "表单里没有备注，请从修改页面提交。");
    if (Array.from(note).length > MAX_NOTE_LENGTH) {
      throw new HttpError(422, "NOTE_TOO_LONG", `备注最多 ${MAX_NOTE_LENGTH} 个字，请缩短后再保存。`);
    }
    assertDone(await this.#stocks.setNote(code, note), code);
    return context.redirect(`${context.urlFor("center")}${after("noted", code)}`);
  }

  @post("/delete/:code(\\d{6}).html", { name: "delete" })
  async remove(context: OfStock): Promise<OutgoingResponse> {
    const { code } = context.params;
    assertDone(await this.#stocks.unfollow(code), code);
    return context.redirect(`${context.urlFor("center")}${after("unfollowed", code)}`);
  }
}

function after(done: Done, code: string): string {
  return `?done=${done}&code=${code}`;
}

function assertDone(outcome: "done" | Refusal, code: string): void {
  if (outcome !== "done") throw refusal(outcome, code);
}

const REFUSALS = {
  "no such stock": [404, "STOCK_UNKNOWN"],
  "already followed": [409, "STOCK_ALREADY_FOLLOWED"],
  "not followed": [404, "STOCK_NOT_FOLLOWED"],
  "note not storable": [422, "NOTE_NOT_STORABLE"],
} as const satisfies Record<Refusal, readonly [number, string]>;

function refusal(reason: Refusal, code: string): HttpError {
  const [status, errorCode] = REFUSALS[reason];
  return new HttpError(status, errorCode, sentenceOfRefusal(reason, code));
}
