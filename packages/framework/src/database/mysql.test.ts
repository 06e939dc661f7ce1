import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { promisify } from "node:util";

import type { RowDataPacket } from "mysql2/promise";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";

import { describeDatabase } from "../../test/database-contract.ts";
import { asAdmin, createDatabase, describeWithMysql, withDatabase } from "../../test/mysql-server.ts";
import type { TestDatabase } from "../../test/mysql-server.ts";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { openMysql } from "./mysql.ts";
import type { MysqlOptions } from "./mysql.ts";

const UNREACHABLE = { name: "DatabaseError", code: "DATABASE_UNREACHABLE", status: 503 };

describeWithMysql("MySQL", (adminUrl) => {
  let database: TestDatabase;
  describeDatabase("MySQL", {
    async open() {
      database = await createDatabase(adminUrl);
      return openDatabase(database.url);
    },
    drop: () => database.drop(),
  });

  describe("a server that refuses", () => {
    test("the password: DATABASE_ACCESS_DENIED names the user, not the password", async () => {
      const url = new URL(adminUrl);
      url.username = "tsgi_nobody";
      url.password = "tsgi-secret-1";
      const error = await failureOf(url.href);
      expect(error).toMatchObject({ code: "DATABASE_ACCESS_DENIED", status: 500 });
      expect(String(error)).toContain('"tsgi_nobody"');
      expect(String(error)).toContain("correct user and password");
      expect(JSON.stringify(error) + String(error) + String((error as Error).cause)).not.toContain("tsgi-secret-1");
    });

    test("the database's name: DATABASE_UNKNOWN names it", async () => {
      const error = await failureOf(withDatabase(adminUrl, "tsgi_no_such_database"));
      expect(error).toMatchObject({ code: "DATABASE_UNKNOWN" });
      expect(String(error)).toContain('no database "tsgi_no_such_database"');
    });

    test("a statement on tables where the URL has no database's name: DATABASE_UNKNOWN", async () => {
      const db = openMysql(withDatabase(adminUrl, ""));
      const error = await db.query("SELECT id FROM info").catch((reason: unknown) => reason);
      await db.close();
      expect(error).toMatchObject({ code: "DATABASE_UNKNOWN" });
      expect(String(error)).toContain("names no database");
    });
  });

  describe("a server that is lost while in use", () => {
    let database: TestDatabase;
    let url: string;
    let relay: Relay;
    let db: Database;

    beforeAll(async () => {
      database = await createDatabase(adminUrl);
      url = database.url;
      relay = new Relay(new URL(url));
      await relay.listen();
      db = openMysql(relay.rewrite(url));
      await db.execute("CREATE TABLE t (a INT)");
    });
    /** Each connection of the pool may be a dead one that has not been found out yet; one more must be a new one. */
    const recover = async () => {
      for (let i = 0; i < 10; i++) await db.ping().catch(() => {});
      await db.ping();
    };
    afterEach(async () => {
      relay.become("open");
      await recover();
      await db.execute("DELETE FROM t");
    });
    afterAll(async () => {
      await db.close();
      await relay.close();
      await database.drop();
    });

    const burst = (count: number) => Promise.all(Array.from({ length: count }, () => db.query("SELECT 1 AS one")));

    test("is DATABASE_UNREACHABLE while it is away, and in use again when it is back", async () => {
      await burst(20);
      relay.become("refusing");
      // More callers than the pool has connections: each must be told, and none may use up a place for good.
      for (let i = 0; i < 30; i++) await expect(db.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      await expect(db.transaction((tx) => tx.query("SELECT 1"))).rejects.toMatchObject(UNREACHABLE);
      await expect(db.ping()).rejects.toMatchObject(UNREACHABLE);
      relay.become("open");
      await db.ping();
      expect(await burst(20)).toHaveLength(20);
    });

    test("fails the statements that were running, and only those", async () => {
      const running = Array.from({ length: 3 }, () =>
        expect(db.query("SELECT SLEEP(10)")).rejects.toMatchObject(UNREACHABLE),
      );
      await connectionsOnceBusy(url, "SELECT SLEEP(10)", 3);
      relay.cut();
      await Promise.all(running);
      await recover();
      expect(await burst(20)).toHaveLength(20);
    });

    test("rolls back a transaction that was running", async () => {
      const work = db.transaction(async (tx) => {
        await tx.execute("INSERT INTO t VALUES (?)", [1]);
        relay.cut();
        await tx.execute("INSERT INTO t VALUES (?)", [2]);
      });
      await expect(work).rejects.toMatchObject(UNREACHABLE);
      await recover();
      expect(await db.query("SELECT a FROM t")).toEqual([]);
    });

    test("recovers from connections that the server killed", async () => {
      await burst(5);
      const running = expect(db.query("SELECT SLEEP(11)")).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
      const ids = await connectionsOnceBusy(url, "SELECT SLEEP(11)", 1);
      expect(ids.length).toBeGreaterThan(1);
      await asAdmin(adminUrl, async (admin) => {
        for (const id of ids) await admin.query(`KILL ${id}`);
      });
      await running;
      await recover();
      expect(await burst(20)).toHaveLength(20);
    });

    test("a statement that gets no answer in time is given up, with its connection", async () => {
      const impatient = openFor(relay.rewrite(url), { maxConnections: 1, statementTimeoutMs: 200 });
      await impatient.ping();
      relay.become("silent");
      await expect(impatient.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      relay.become("open");
      expect(await impatient.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });

    test("a caller that gets no connection in time is turned away, and the pool goes on", async () => {
      const narrow = openFor(url, { maxConnections: 1, maxQueue: 1, acquireTimeoutMs: 100 });
      const entered = Promise.withResolvers<void>();
      const leave = Promise.withResolvers<void>();
      const holder = narrow.transaction(async () => {
        entered.resolve();
        await leave.promise;
      });
      await entered.promise;
      const queued = expect(narrow.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      await expect(narrow.query("SELECT 1")).rejects.toMatchObject(UNREACHABLE);
      await queued;
      leave.resolve();
      await holder;
      expect(await narrow.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    });
  });
});

describe("no server", () => {
  test("at a port where nobody listens: the message names host and port, not the password", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server);
    await promisify(server.close.bind(server))();
    const error = await failureOf(`mysql://root:tsgi-secret-2@127.0.0.1:${port}/shop`);
    expect(error).toMatchObject(UNREACHABLE);
    expect(String(error)).toContain(`127.0.0.1:${port}`);
    expect(String(error)).not.toContain("tsgi-secret-2");
  });

  test("but one that accepts and says nothing: given up after connectTimeoutMs", async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => void sockets.add(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server);
    const db = openFor(`mysql://root@127.0.0.1:${port}/shop`, { connectTimeoutMs: 50 });
    await expect(db.ping()).rejects.toMatchObject(UNREACHABLE);
    for (const socket of sockets) socket.destroy();
    await promisify(server.close.bind(server))();
  });
});

test.each([
  "mysql://",
  "mysql:///name",
  "mysql://user:secret@host:99999/name",
  "mysql://user:secret@host/name?multipleStatements=true",
])("the URL %j is DATABASE_URL_INVALID, and no password is repeated", async (url) => {
  const error: unknown = await openDatabase(url).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "DATABASE_URL_INVALID" });
  expect(String(error)).not.toContain("secret");
});

function openFor(url: string, options: MysqlOptions): Database {
  const db = openMysql(url, options);
  onTestFinished(() => db.close());
  return db;
}

async function failureOf(url: string): Promise<unknown> {
  return openFor(url, {})
    .ping()
    .then(
      () => expect.unreachable("the ping must fail"),
      (error: unknown) => error,
    );
}

/** Waits until `count` connections run the statement, and gives all that are open in the database of `url`. */
async function connectionsOnceBusy(url: string, sql: string, count: number): Promise<readonly number[]> {
  return asAdmin(url, async (admin) => {
    const [self] = await admin.query<RowDataPacket[]>("SELECT CONNECTION_ID() AS id");
    for (;;) {
      const [rows] = await admin.query<RowDataPacket[]>(
        "SELECT id, info = ? AS busy FROM information_schema.processlist WHERE db = DATABASE()",
        [sql],
      );
      if (rows.filter((row) => row["busy"] === 1).length === count) {
        return rows.map((row) => Number(row["id"])).filter((id) => id !== self[0]?.["id"]);
      }
    }
  });
}

/** A TCP relay in front of the server, which plays its outages. */
class Relay {
  /** `silent` keeps connections and passes nothing on. */
  #mode: "open" | "refusing" | "silent" = "open";
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#mode === "refusing") {
        client.resetAndDestroy();
        return;
      }
      const upstream = connect(Number(target.port || 3306), target.hostname);
      this.#forward(client, upstream);
      this.#forward(upstream, client);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** The URL by way of the relay. */
  rewrite(url: string): string {
    const relayed = new URL(url);
    relayed.hostname = "127.0.0.1";
    relayed.port = String(portOf(this.#server));
    return relayed.href;
  }

  /** `refusing` cuts what is open, too. */
  become(mode: "open" | "refusing" | "silent"): void {
    this.#mode = mode;
    if (mode === "refusing") this.cut();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await promisify(this.#server.close.bind(this.#server))();
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (data) => {
      if (this.#mode !== "silent") to.write(data);
    });
    // What a cut does to the far end.
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
