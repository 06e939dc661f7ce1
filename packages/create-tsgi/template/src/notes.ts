/** The notes: their schemas, and all SQL on them. */
import type { Database } from "@tsgi/framework/database";
import { z } from "zod";

export const MAX_LENGTH = 200;

export const NewNote = z.object({
  text: z.string().trim().min(1, "Write something").max(MAX_LENGTH, `At most ${MAX_LENGTH} characters`),
});

export const Note = z.object({ id: z.number().int(), text: z.string(), createdAt: z.iso.datetime() });
export type Note = z.infer<typeof Note>;

const SELECT = "SELECT id, text, created_at AS createdAt FROM note";

export class Notes {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The latest 100, the newest first. */
  latest(): Promise<readonly Note[]> {
    return this.#database.query(`${SELECT} ORDER BY id DESC LIMIT 100`, [], Note);
  }

  async find(id: number): Promise<Note | null> {
    const [note] = await this.#database.query(`${SELECT} WHERE id = ?`, [id], Note);
    return note ?? null;
  }

  async add(text: string): Promise<Note> {
    const createdAt = new Date().toISOString();
    const { insertId } = await this.#database.execute("INSERT INTO note (text, created_at) VALUES (?, ?)", [
      text,
      createdAt,
    ]);
    return { id: insertId, text, createdAt };
  }

  /** False if there is no such note. */
  async remove(id: number): Promise<boolean> {
    const { affectedRows } = await this.#database.execute("DELETE FROM note WHERE id = ?", [id]);
    return affectedRows > 0;
  }
}
