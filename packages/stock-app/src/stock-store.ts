/**
 * The stocks and which of them are followed. All SQL of the pages is here, the same for every database. It relies on no unique
 * key and on no default, so it also works on tables of the classic course, which have neither.
 */
import { type Database, DatabaseError, type DatabaseErrorCode, type Queryable } from "@tsgi/framework/database";

/** A row of `info`. Numbers are text, as in the source: `10.01%`, `16.05`. */
export interface Stock {
  /** Six digits. */
  readonly code: string;
  readonly short: string;
  /** Change, in percent: `10.01%`, `-10.00%`. */
  readonly chg: string;
  readonly turnover: string;
  readonly price: string;
  /** The previous high, and its day: `2017-07-18`. */
  readonly highs: string;
  readonly time: string | null;
}

export interface FollowedStock extends Stock {
  /** At most {@link MAX_NOTE_LENGTH} characters; empty if there is none. */
  readonly note: string;
}

/** In characters (code points). The column is as wide. */
export const MAX_NOTE_LENGTH = 200;

/** Why a stock could not be changed. */
export type Refusal = "no such stock" | "already followed" | "not followed" | "note not storable";

const STOCK = "info.code, info.short, info.chg, info.turnover, info.price, info.highs, info.time";
const FOLLOWED = `SELECT ${STOCK}, COALESCE(focus.note_info, '') AS note FROM info INNER JOIN focus ON focus.info_id = info.id`;

/** Every method throws DatabaseError if the database fails. */
export class StockStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  all(): Promise<readonly Stock[]> {
    return this.#database.query<Stock>(`SELECT ${STOCK} FROM info ORDER BY info.id`);
  }

  /** In the order in which they were followed. */
  followed(): Promise<readonly FollowedStock[]> {
    return this.#database.query<FollowedStock>(`${FOLLOWED} ORDER BY focus.id`);
  }

  async findFollowed(code: string): Promise<FollowedStock | Refusal> {
    const [stock] = await this.#database.query<FollowedStock>(`${FOLLOWED} WHERE info.code = ?`, [code]);
    return stock ?? (await this.#whyNotFollowed(code));
  }

  async follow(code: string): Promise<"done" | Refusal> {
    try {
      return await this.#database.transaction((transaction) => followIn(transaction, code), { retries: 2 });
    } catch (error) {
      if (hasCode(error, "DATABASE_DUPLICATE")) return "already followed";
      throw error;
    }
  }

  async setNote(code: string, note: string): Promise<"done" | Refusal> {
    try {
      const { affectedRows } = await this.#database.execute(
        "UPDATE focus SET note_info = ? WHERE info_id IN (SELECT id FROM info WHERE code = ?)",
        [note, code],
      );
      return affectedRows === 0 ? await this.#whyNotFollowed(code) : "done";
    } catch (error) {
      // Such as an emoji, where the column has the three-byte utf8 of older MySQL.
      if (hasCode(error, "DATABASE_VALUE_INVALID")) return "note not storable";
      throw error;
    }
  }

  async unfollow(code: string): Promise<"done" | Refusal> {
    const { affectedRows } = await this.#database.execute(
      "DELETE FROM focus WHERE info_id IN (SELECT id FROM info WHERE code = ?)",
      [code],
    );
    return affectedRows === 0 ? this.#whyNotFollowed(code) : "done";
  }

  async #whyNotFollowed(code: string): Promise<"no such stock" | "not followed"> {
    const stocks = await this.#database.query("SELECT id FROM info WHERE code = ?", [code]);
    return stocks.length === 0 ? "no such stock" : "not followed";
  }
}

async function followIn(transaction: Queryable, code: string): Promise<"done" | Refusal> {
  // The update changes nothing, but locks the stock on every database: of two requests at once, one waits for the other.
  const { affectedRows } = await transaction.execute("UPDATE info SET code = code WHERE code = ?", [code]);
  if (affectedRows === 0) return "no such stock";
  const followed = await transaction.query(
    "SELECT focus.id FROM focus INNER JOIN info ON info.id = focus.info_id WHERE info.code = ?",
    [code],
  );
  if (followed.length > 0) return "already followed";
  await transaction.execute("INSERT INTO focus (info_id) SELECT id FROM info WHERE code = ?", [code]);
  return "done";
}

function hasCode(error: unknown, code: DatabaseErrorCode): boolean {
  return error instanceof DatabaseError && error.code === code;
}
