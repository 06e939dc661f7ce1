/** The stocks and which of them are followed. All of the SQL of the pages is here, the same for every database. */
import { type Database, DatabaseError } from "@tsgi/framework/database";

/** A row of `info`. Numbers are text, as they were given: `10.01%`, `16.05`. */
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
  readonly time: string;
}

export interface FollowedStock extends Stock {
  /** At most {@link MAX_NOTE_LENGTH} characters; empty where there is none. */
  readonly note: string;
}

/** In characters (code points). The column is as wide. */
export const MAX_NOTE_LENGTH = 200;

/** Why a stock could not be changed. */
export type Refusal = "no such stock" | "already followed" | "not followed";

const STOCK = "info.code, info.short, info.chg, info.turnover, info.price, info.highs, info.time";
const FOLLOWED = `SELECT ${STOCK}, focus.note_info AS note FROM info INNER JOIN focus ON focus.info_id = info.id`;

/** Every method throws DatabaseError where the database fails. */
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

  /** One statement: the unique key decides between two that follow at once. */
  async follow(code: string): Promise<"done" | Refusal> {
    try {
      const { affectedRows } = await this.#database.execute(
        "INSERT INTO focus (info_id) SELECT id FROM info WHERE code = ?",
        [code],
      );
      return affectedRows === 0 ? "no such stock" : "done";
    } catch (error) {
      if (error instanceof DatabaseError && error.code === "DATABASE_DUPLICATE") return "already followed";
      throw error;
    }
  }

  async setNote(code: string, note: string): Promise<"done" | Refusal> {
    const { affectedRows } = await this.#database.execute(
      "UPDATE focus SET note_info = ? WHERE info_id = (SELECT id FROM info WHERE code = ?)",
      [note, code],
    );
    return affectedRows === 0 ? this.#whyNotFollowed(code) : "done";
  }

  async unfollow(code: string): Promise<"done" | Refusal> {
    const { affectedRows } = await this.#database.execute(
      "DELETE FROM focus WHERE info_id = (SELECT id FROM info WHERE code = ?)",
      [code],
    );
    return affectedRows === 0 ? this.#whyNotFollowed(code) : "done";
  }

  async #whyNotFollowed(code: string): Promise<"no such stock" | "not followed"> {
    const stocks = await this.#database.query("SELECT id FROM info WHERE code = ?", [code]);
    return stocks.length === 0 ? "no such stock" : "not followed";
  }
}
