import { beforeAll, describe, expect, test } from "vitest";
import { createDatabase, describeWithMysql, type TestDatabase } from "../../framework/test/mysql-server.ts";
import { type Running, startApp } from "./command.ts";
import { createSqliteFile } from "./databases.ts";

/** Every kind of response: pages, an asset, redirects and errors. Later requests depend on the earlier ones. */
const REQUESTS = [
  ["GET", "/"],
  ["GET", "/index.html"],
  ["GET", "/center.html"],
  ["GET", "/update/300268.html"],
  ["GET", "/static/style.css"],
  ["GET", "/static/favicon.svg"],
  ["HEAD", "/index.html"],
  ["OPTIONS", "/index.html"],
  ["POST", "/add/000036.html"],
  ["POST", "/add/000036.html"],
  ["POST", "/add/999999.html"],
  ["GET", "/add/000036.html"],
  ["POST", "/update/000036.html"],
  ["POST", "/delete/300280.html"],
  ["POST", "/delete/300280.html"],
  ["GET", "/center.html"],
  ["GET", "/nowhere"],
] as const;

/** The header fields of the application; the others are the server's. */
const FIELDS = ["content-type", "content-length", "location", "vary", "allow"];

/** Records the responses of a new application, from its start to its end. */
async function record(create: () => Promise<TestDatabase>, server: "socket" | "node"): Promise<readonly unknown[]> {
  const place = await create();
  try {
    return await ask(await startApp(place.url, "--server", server));
  } finally {
    await place.drop();
  }
}

async function ask(running: Running): Promise<readonly unknown[]> {
  await using app = running;
  const responses: unknown[] = [];
  for (const [method, path] of REQUESTS) {
    const response = await fetch(new URL(path, app.url), {
      method,
      redirect: "manual",
      // The server would wait for the client of an open connection at the end.
      headers: { accept: "text/html", "accept-encoding": "identity", connection: "close" },
      ...(method === "POST" ? { body: new URLSearchParams({ note: "同样的备注" }) } : {}),
    });
    const fields = FIELDS.map((name) => [name, response.headers.get(name)]);
    responses.push([method, path, response.status, fields, await response.text()]);
  }
  return responses;
}

describe("every page has the same bytes as on the socket server with SQLite", () => {
  let expected: readonly unknown[];
  beforeAll(async () => {
    expected = await record(createSqliteFile, "socket");
  });

  test("on the node server with SQLite", async () => {
    expect(expected).toHaveLength(REQUESTS.length);
    expect(await record(createSqliteFile, "node")).toEqual(expected);
  });

  describeWithMysql("with MySQL", (adminUrl) => {
    test.each(["socket", "node"] as const)("on the %s server", async (server) => {
      expect(await record(() => createDatabase(adminUrl), server)).toEqual(expected);
    });
  });
});
