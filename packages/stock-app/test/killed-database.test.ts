/** A database server that is killed and started again while the app is in use: no write that was acknowledged is lost. */
import { openDatabase } from "@tsgi/framework/database";
import { createTestClient, type TestClient } from "@tsgi/gateway-spec/testing";
import { expect, test, vi } from "vitest";
import { createDatabase } from "../../framework/test/mysql-server.ts";
import { findProgram } from "../../../scripts/lib/machine.ts";
import { startPrivateMysql } from "../../../scripts/lib/private-mysql.ts";
import { createTestApplication } from "./application.ts";

const PROGRAM = findProgram(["mariadbd", "mysqld"], process.env);
const REASON = "needs the program of a MySQL or MariaDB server: run `pnpm test`, which installs it";

/** Followed by the sample rows. */
const CODES = ["000007", "300268"];
const ROUNDS = 2;
const WRITES = 20;

/** Writes notes to one stock, each with the next number, until it is stopped. */
class Writer {
  readonly #client: TestClient;
  readonly #code: string;
  readonly statuses = new Set<number>();
  acknowledged = 0;
  failed = 0;
  last = 0;
  stopped = false;

  constructor(client: TestClient, code: string) {
    this.#client = client;
    this.#code = code;
  }

  async run(): Promise<void> {
    for (let number = 1; !this.stopped; number += 1) {
      const { status } = await this.#client.request(`/update/${this.#code}.html`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ note: String(number) }).toString(),
      });
      this.statuses.add(status);
      if (status === 303) {
        this.acknowledged += 1;
        this.last = number;
      } else {
        this.failed += 1;
      }
    }
  }
}

test("a MySQL server that is killed under load loses no acknowledged write, and its failures are 503", async ({
  skip,
}) => {
  if (PROGRAM === null) {
    if (process.env["CI"] === "true") throw new Error(REASON);
    skip(REASON);
    return;
  }
  const server = await startPrivateMysql(PROGRAM);
  const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
  try {
    const place = await createDatabase(server.url);
    const database = await openDatabase(place.url);
    await using client = await createTestClient(createTestApplication(database));
    const writers = CODES.map((code) => new Writer(client, code));
    const running = Promise.all(writers.map((writer) => writer.run()));
    /** Waits until each writer has counted so many more. */
    const more = async (counter: "acknowledged" | "failed", count: number) => {
      const goals = writers.map((writer) => writer[counter] + count);
      const reached = () => writers.every((writer, i) => writer[counter] >= (goals[i] ?? 0));
      await expect.poll(reached, { timeout: 60_000 }).toBe(true);
    };

    for (let round = 1; round <= ROUNDS; round += 1) {
      await more("acknowledged", WRITES);
      await server.kill();
      await more("failed", 1);
      await server.restart();
    }
    await more("acknowledged", WRITES);
    for (const writer of writers) writer.stopped = true;
    await running;

    for (const [i, writer] of writers.entries()) {
      expect(writer.statuses).toEqual(new Set([303, 503]));
      const rows = await database.query<{ readonly note: string }>(
        "SELECT f.note_info AS note FROM focus f JOIN info i ON i.id = f.info_id WHERE i.code = ?",
        [CODES[i] ?? ""],
      );
      expect(rows).toEqual([{ note: String(writer.last) }]);
    }
  } finally {
    log.mockRestore();
    await server.stop();
  }
}, 180_000);
