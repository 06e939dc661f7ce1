/**
 * The stocks and which of them are followed. All their SQL is here, the same for every database. It relies on no unique key and on
 * no default, so it also works on tables of the classic course, which have neither.
 */
import {
  type Database,
  DatabaseError,
  type DatabaseErrorCode,
  type DatabaseParameter,
  type Queryable,
} from "@tsgi/framework/database";
import {
  type Filter,
  type FollowedStock,
  type ListedStock,
  type ListRequest,
  PAGE_SIZE,
  type SortKey,
  type Stock,
} from "./contract.ts";

/** Why a stock could not be changed. */
export type Refusal = "no such stock" | "already followed" | "not followed" | "note not storable";

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly page: number;
  /** Whether there is a next page. */
  readonly more: boolean;
}

const STOCK = "info.code, info.short, info.chg, info.turnover, info.price, info.highs, info.time";
const IS_FOLLOWED = "EXISTS (SELECT 1 FROM focus WHERE focus.info_id = info.id)";
const LISTED = `SELECT ${STOCK}, ${IS_FOLLOWED} AS followed FROM info`;
const FOLLOWED = `SELECT ${STOCK}, COALESCE(focus.note_info, '') AS note FROM info INNER JOIN focus ON focus.info_id = info.id`;

const amount = (column: string) => `CAST(${column} AS DECIMAL(12, 4))`;

/** The text `10.01%` counts as 10.01. */
const ORDER: Readonly<Record<SortKey, string>> = {
  code: "info.code",
  short: "info.short",
  chg: amount("info.chg"),
  turnover: amount("info.turnover"),
  price: amount("info.price"),
  highs: amount("info.highs"),
  distance: `(${amount("info.price")} - ${amount("info.highs")}) / ${amount("info.highs")}`,
  time: "info.time",
};

const CONDITION: Readonly<Record<Filter, string>> = {
  followed: IS_FOLLOWED,
  unfollowed: `NOT ${IS_FOLLOWED}`,
  up: `${amount("info.chg")} > 0`,
  down: `${amount("info.chg")} < 0`,
};

/**
 * The statement for a page of the list. In the order of the table or of the codes it reads no more rows than it returns and skips.
 * It reads one row more than the page has, which says whether there is a next page: a count would read all rows.
 */
export function listStatement({ q, sort, show, page }: ListRequest): readonly [string, readonly DatabaseParameter[]] {
  const conditions: string[] = [];
  const parameters: DatabaseParameter[] = [];
  if (q !== "") {
    const text = q.replaceAll(/[!%_]/g, "!$&");
    conditions.push("(info.code LIKE ? ESCAPE '!' OR info.short LIKE ? ESCAPE '!')");
    parameters.push(`${text}%`, `%${text}%`);
  }
  if (show !== "") conditions.push(CONDITION[show]);
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const order =
    sort === "" ? "info.id" : `${ORDER[sort.replace("-", "") as SortKey]}${sort.startsWith("-") ? " DESC" : ""}`;
  // Where stocks are equal, a page must not repeat one of another page. Codes are not equal.
  const tie = sort === "" || sort === "code" || sort === "-code" ? "" : ", info.id";
  const limit = `LIMIT ${PAGE_SIZE + 1} OFFSET ${(page - 1) * PAGE_SIZE}`;
  return [`${LISTED}${where} ORDER BY ${order}${tie} ${limit}`, parameters];
}

/** Every method throws DatabaseError if the database fails. */
export class StockStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async list(request: ListRequest): Promise<Page<ListedStock>> {
    const rows = await this.#database.query<ListedRow>(...listStatement(request));
    return { items: rows.slice(0, PAGE_SIZE).map(toListed), page: request.page, more: rows.length > PAGE_SIZE };
  }

  async find(code: string): Promise<ListedStock | Refusal> {
    const [row] = await this.#database.query<ListedRow>(`${LISTED} WHERE info.code = ?`, [code]);
    return row === undefined ? "no such stock" : toListed(row);
  }

  /** In the order in which they were followed. */
  followed(): Promise<readonly FollowedStock[]> {
    return this.#database.query<FollowedStock>(`${FOLLOWED} ORDER BY focus.id`);
  }

  async findFollowed(code: string): Promise<FollowedStock | Refusal> {
    const [stock] = await this.#database.query<FollowedStock>(`${FOLLOWED} WHERE info.code = ?`, [code]);
    return stock ?? (await this.#whyNotFollowed(code));
  }

  async follow(code: string, note: string = ""): Promise<"done" | Refusal> {
    try {
      return await this.#database.transaction((transaction) => followIn(transaction, code, note), { retries: 2 });
    } catch (error) {
      if (hasCode(error, "DATABASE_DUPLICATE")) return "already followed";
      return whyNotStored(error);
    }
  }

  async setNote(code: string, note: string): Promise<"done" | Refusal> {
    try {
      return await this.#change(
        "UPDATE focus SET note_info = ? WHERE info_id IN (SELECT id FROM info WHERE code = ?)",
        [note, code],
      );
    } catch (error) {
      return whyNotStored(error);
    }
  }

  unfollow(code: string): Promise<"done" | Refusal> {
    return this.#change("DELETE FROM focus WHERE info_id IN (SELECT id FROM info WHERE code = ?)", [code]);
  }

  /** A number that is another one after every change of the followed stocks, in whichever process. */
  async version(): Promise<number> {
    const [row] = await this.#database.query<{ readonly version: number }>("SELECT version FROM focus_version");
    return row?.version ?? 0;
  }

  async #change(sql: string, parameters: readonly [...DatabaseParameter[], string]): Promise<"done" | Refusal> {
    const changed = await this.#database.transaction(
      async (transaction) => {
        const { affectedRows } = await transaction.execute(sql, parameters);
        if (affectedRows > 0) await countUp(transaction);
        return affectedRows > 0;
      },
      { retries: 2 },
    );
    return changed ? "done" : this.#whyNotFollowed(String(parameters.at(-1)));
  }

  async #whyNotFollowed(code: string): Promise<"no such stock" | "not followed"> {
    const stocks = await this.#database.query("SELECT id FROM info WHERE code = ?", [code]);
    return stocks.length === 0 ? "no such stock" : "not followed";
  }
}

async function followIn(transaction: Queryable, code: string, note: string): Promise<"done" | Refusal> {
  // The update changes nothing, but locks the stock on every database: of two requests at once, one waits for the other.
  const { affectedRows } = await transaction.execute("UPDATE info SET code = code WHERE code = ?", [code]);
  if (affectedRows === 0) return "no such stock";
  const followed = await transaction.query(
    "SELECT focus.id FROM focus INNER JOIN info ON info.id = focus.info_id WHERE info.code = ?",
    [code],
  );
  if (followed.length > 0) return "already followed";
  await transaction.execute("INSERT INTO focus (info_id, note_info) SELECT id, ? FROM info WHERE code = ?", [
    note,
    code,
  ]);
  await countUp(transaction);
  return "done";
}

async function countUp(transaction: Queryable): Promise<void> {
  await transaction.execute("UPDATE focus_version SET version = version + 1");
}

type ListedRow = Stock & { readonly followed: number };

function toListed({ followed, ...stock }: ListedRow): ListedStock {
  return { ...stock, followed: followed === 1 };
}

/** Such as an emoji, where the column has the three-byte utf8 of older MySQL. */
function whyNotStored(error: unknown): "note not storable" {
  if (hasCode(error, "DATABASE_VALUE_INVALID")) return "note not storable";
  throw error;
}

function hasCode(error: unknown, code: DatabaseErrorCode): boolean {
  return error instanceof DatabaseError && error.code === code;
}
