/** The users, the students, and the accounts that may log in. All their SQL is here, the same for every database. */
import { type Database, DatabaseError, type DatabaseParameter } from "@tsgi/framework/database";
import { verifyPassword } from "@tsgi/framework/security";
import { PAGE_SIZE, type User, type UserFields, type UserRequest } from "./contract.ts";
import type { Page } from "./stock-store.ts";

export interface Student {
  readonly id: number;
  readonly name: string;
  readonly class: string;
  readonly score: number;
}

export type UserRefusal = "no such user" | "name taken";

const USER = "SELECT id, name, age, sex, city FROM user";
const COLUMNS = ["name", "age", "sex", "city"] as const satisfies readonly (keyof UserFields)[];

/** Every method throws DatabaseError if the database fails. */
export class PeopleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async listUsers({ q, sex, city, page }: UserRequest): Promise<Page<User>> {
    const rows = await this.#database.query<User>(
      `${USER} WHERE name LIKE ? ESCAPE '!' AND (? = '' OR sex = ?) AND (? = '' OR city = ?) ORDER BY id LIMIT ${PAGE_SIZE + 1} OFFSET ${(page - 1) * PAGE_SIZE}`,
      [`%${q.replaceAll(/[!%_]/g, "!$&")}%`, sex, sex, city, city],
    );
    return { items: rows.slice(0, PAGE_SIZE), page, more: rows.length > PAGE_SIZE };
  }

  async findUser(id: number): Promise<User | null> {
    const [user] = await this.#database.query<User>(`${USER} WHERE id = ?`, [id]);
    return user ?? null;
  }

  async addUser({ name, age, sex, city }: UserFields): Promise<User | UserRefusal> {
    try {
      const { insertId } = await this.#database.execute("INSERT INTO user (name, age, sex, city) VALUES (?, ?, ?, ?)", [
        name,
        age,
        sex,
        city,
      ]);
      return { id: insertId, name, age, sex, city };
    } catch (error) {
      return whyNotStored(error);
    }
  }

  /** Changes the given fields only. */
  async updateUser(
    id: number,
    fields: { readonly [Name in keyof UserFields]?: UserFields[Name] | undefined },
  ): Promise<User | UserRefusal> {
    const names = COLUMNS.filter((name) => fields[name] !== undefined);
    try {
      if (names.length > 0) {
        const values = names.map((name): DatabaseParameter => fields[name] ?? null);
        await this.#database.execute(`UPDATE user SET ${names.map((name) => `${name} = ?`).join(", ")} WHERE id = ?`, [
          ...values,
          id,
        ]);
      }
      return (await this.findUser(id)) ?? "no such user";
    } catch (error) {
      return whyNotStored(error);
    }
  }

  students(filter: { readonly class: string; readonly name: string }): Promise<readonly Student[]> {
    return this.#database.query<Student>(
      "SELECT id, name, class, score FROM student WHERE (? = '' OR class = ?) AND (? = '' OR name = ?) ORDER BY id",
      [filter.class, filter.class, filter.name, filter.name],
    );
  }

  /** Whether the account exists and has this password. It takes as long for an unknown name. */
  async isPassword(name: string, password: string): Promise<boolean> {
    const [account] = await this.#database.query<{ readonly password: string }>(
      "SELECT password FROM account WHERE name = ?",
      [name],
    );
    return verifyPassword(password, account?.password ?? null);
  }
}

function whyNotStored(error: unknown): "name taken" {
  if (error instanceof DatabaseError && error.code === "DATABASE_DUPLICATE") return "name taken";
  throw error;
}
