import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { openDatabase } from "@tsgi/framework/database";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { expect, test, vi } from "vitest";
import { freePorts } from "../../framework/test/free-port.ts";
import { createDatabase, describeWithMysql, withDatabase } from "../../framework/test/mysql-server.ts";
import { createTestApplication } from "./application.ts";
import { runApp } from "./command.ts";

describeWithMysql("a MySQL server", (adminUrl) => {
  test("that fails while the app runs causes a 503 page, and is used again when it is back", async () => {
    const place = await createDatabase(adminUrl);
    const relay = new Relay(new URL(adminUrl));
    const database = await openDatabase(await relay.open(place.url));
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    try {
      await using client = await createTestClient(createTestApplication(database));
      const page = () => client.request("/index.html", { headers: { accept: "text/html" } });
      const first = await page();
      expect(first.status).toBe(200);

      await relay.cut();
      const lost = await page();
      expect([lost.status, lost.headers.get("retry-after")]).toEqual([503, "5"]);
      expect(lost.text()).toContain('<p role="alert">数据库暂时连接不上，请稍后再试。</p>');
      expect(log.mock.calls).toEqual([
        [
          expect.stringMatching(
            /^GET \/index\.html failed with 503: DATABASE_UNREACHABLE Cannot reach the database.*$/,
          ),
        ],
      ]);

      const saved = await client.request("/update/000007.html", {
        method: "POST",
        headers: { accept: "text/html", "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ note: "写了很久" }).toString(),
      });
      expect([saved.status, saved.text()]).toEqual([503, expect.stringContaining('value="写了很久"')]);

      await relay.open(place.url);
      expect((await page()).body).toEqual(first.body);
    } finally {
      log.mockRestore();
      await relay.cut();
      await place.drop();
    }
  });

  test("that fails under load causes 503 for some requests, no other error, and no lasting one", async () => {
    const place = await createDatabase(adminUrl);
    const relay = new Relay(new URL(adminUrl));
    const database = await openDatabase(await relay.open(place.url));
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    try {
      await using client = await createTestClient(createTestApplication(database));
      const statuses = new Set<number>();
      const load = async () => {
        const responses = await Promise.all([
          ...Array.from({ length: 40 }, () => client.request("/center.html")),
          ...Array.from({ length: 10 }, () => client.request("/add/000036.html", { method: "POST" })),
        ]);
        for (const { status } of responses) statuses.add(status);
        return responses.map(({ status }) => status);
      };
      for (let round = 0; round < 3; round += 1) {
        const running = load();
        await relay.cut();
        await running;
        expect(new Set(await load())).toEqual(new Set([503]));
        await relay.open(place.url);
        expect(await load()).not.toContain(503);
      }
      expect(statuses).toEqual(new Set([200, 303, 409, 503]));
      expect(await database.query("SELECT COUNT(*) AS n FROM focus WHERE info_id = 2")).toEqual([{ n: 1 }]);
    } finally {
      log.mockRestore();
      await relay.cut();
      await place.drop();
    }
  });

  test("that refuses the password at start causes one line that names the user and what to do", async () => {
    const url = new URL(withDatabase(adminUrl, "stock"));
    [url.username, url.password] = ["tsgi_nobody", "tsgi-secret-1"];
    const { code, stdout, stderr } = await runApp(url.href);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^tsgi: User "tsgi_nobody" was refused by .*correct user and password in the database URL.*\n$/,
    );
    expect(stderr).not.toContain("tsgi-secret-1");
  });

  test("that has no such database at start causes one line that names it", async () => {
    const { code, stderr } = await runApp(withDatabase(adminUrl, "tsgi_no_such_database"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tsgi: There is no database "tsgi_no_such_database" on .*: create it, .*\n$/);
  });
});

test.each([
  [
    "is down",
    "mysql://root@127.0.0.1:1/stock",
    /^tsgi: Cannot reach the database server at 127\.0\.0\.1:1 .*: start it, .*\n$/,
  ],
  [
    "is of no known kind",
    "postgres://user:tsgi-secret-1@host/stock",
    /^tsgi: The database URL must look like [^\n]*\n$/,
  ],
  [
    "cannot be opened",
    "sqlite:/no/such/folder/stock.db",
    /^tsgi: Cannot open the SQLite database .*: its folder must exist.*\n$/,
  ],
])("a database that %s at start is one line that says what to do", async (_name, url, line) => {
  const { code, stdout, stderr } = await runApp(url);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(line);
  expect(stderr).not.toContain("tsgi-secret-1");
});

/** A relay to a server that can be closed and opened again on the same port. */
class Relay {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(target: URL) {
    this.#target = target;
  }

  /** @returns the URL of the server through the relay. */
  async open(url: string): Promise<string> {
    if (this.#port === 0) [this.#port = 0] = await freePorts(1);
    this.#server = createServer((client) => {
      const server = connect(Number(this.#target.port), this.#target.hostname);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => undefined).on("close", () => to.destroy());
        from.pipe(to);
      }
    }).listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const through = new URL(url);
    through.host = `127.0.0.1:${this.#port}`;
    return through.href;
  }

  async cut(): Promise<void> {
    if (this.#server === null) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#server = null;
    await closed;
  }
}
