/** Runs the examples on both servers with the lint, and checks that the adapters quote them word for word. */
import { once } from "node:events";
import { globSync, readdirSync, readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { lint } from "@tsgi/gateway-spec/lint";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import { afterEach, describe, expect, test } from "vitest";

const here = new URL("./", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, here), "utf8");
/** Tests that run examples. */
const TESTS: ReadonlySet<string> = new Set(["browser.test.ts", "examples.test.ts", "hello.test.ts"]);
const programs = readdirSync(here).filter((name) => name.endsWith(".ts") && !TESTS.has(name));

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("on the %s server", (_name, serve) => {
  /** Serves the export `application` of an example, and collects violations of SPEC.md. */
  async function start(file: string): Promise<{ readonly server: Server; readonly violations: readonly string[] }> {
    const { application } = (await import(new URL(file, here).href)) as { application: Application | Handler };
    const violations: string[] = [];
    const linted = lint(application, {
      report: ({ rule, side, seen }) => violations.push(`${rule} ${side}: ${seen}`),
    });
    const server = await serve(linted, { shutdownTimeoutMs: 5000 });
    servers.push(server);
    return { server, violations };
  }

  test.each([
    ["hono-on-tsgi.ts", "/", /^Hello from 127\.0\.0\.1:\d+\n$/],
    ["express-on-tsgi.ts", "/", /^Hello 127\.0\.0\.1\n$/],
    ["wsgi-classic.ts", "/a%20b?c", /^GET \/a b\n$/],
    ["asgi-classic.ts", "/a%20b?c", /^You asked for \/a b\n$/],
    ["fetch-server-on-tsgi.ts", "/a%20b", /^You asked for http:\/\/127\.0\.0\.1:\d+\/a%20b\n$/],
    ["websocket-echo.ts", "/", /^This is the address of a WebSocket\.\n$/],
  ])("%s responds", async (file, path, expected) => {
    const { server, violations } = await start(file);
    const response = await fetch(new URL(path, server.url), { headers: { connection: "close" } });
    expect(await response.text()).toMatch(expected);
    await server.close();
    expect(violations).toEqual([]);
  });

  test("websocket-echo.ts echoes messages until the server shuts down", async () => {
    const { server, violations } = await start("websocket-echo.ts");
    const socket = new WebSocket(server.url.replace("http", "ws"));
    await once(socket, "open");
    for (const text of ["one", "添"]) {
      socket.send(text);
      const [message] = (await once(socket, "message")) as [MessageEvent];
      expect(message.data).toBe(text);
    }
    const closed = once(socket, "close");
    await server.close();
    const [{ code }] = (await closed) as [CloseEvent];
    expect([code, violations]).toEqual([1001, []]);
  });

  test("event-stream-clock.ts sends the time until the server shuts down", async () => {
    const { server, violations } = await start("event-stream-clock.ts");
    const { body } = await fetch(server.url);
    let text = "";
    for await (const piece of body ?? []) {
      text += Buffer.from(piece).toString();
      void server.close();
    }
    expect(text).toMatch(/^(?:event: tick\ndata: \d{4}-\d\d-\d\dT.*Z\n\n)+$/);
    await server.close();
    expect(violations).toEqual([]);
  });
});

test("tsgi-in-express.ts responds below the path at which Express mounts it", async () => {
  process.env["PORT"] = "0";
  const { server } = await import("./tsgi-in-express.ts");
  if (!server.listening) await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(`${url}/ours/a%20b`)).text()).toBe(`You asked for ${url}/a%20b\n`);
  expect((await fetch(`${url}/theirs`)).status).toBe(404);
  server.closeAllConnections();
  server.close();
});

test("tsgi-on-fetch.ts exports what a Fetch host calls", async () => {
  const { default: host } = await import("./tsgi-on-fetch.ts");
  const response = await host.fetch(new Request("http://a.example/b"));
  expect(await response.text()).toBe("You asked for http://a.example/b\n");
});

test("tsgi-on-fetch-server.ts exports what a host of the Fetch Server API draft calls", async () => {
  const { default: handler } = await import("./tsgi-on-fetch-server.ts");
  const { fromServerContext } = await import("@tsgi/gateway-spec/fetch-server");
  const server = await serveSocket(fromServerContext(handler));
  servers.push(server);
  expect(await (await fetch(`${server.url}b`)).text()).toBe(`You asked for ${server.url}b\n`);
});

test("the program in the doc comment of each adapter is an example, word for word", () => {
  const examples = new Set(programs.map((file) => read(file).slice(read(file).indexOf("\n") + 1)));
  const adapters = new URL("../packages/gateway-spec/src/adapters/", here);
  const quoted = globSync("*/*.ts", { cwd: fileURLToPath(adapters) }).flatMap((file) =>
    [...readFileSync(new URL(file, adapters), "utf8").matchAll(/^ \* ```ts\n((?: \*.*\n)*?) \* ```$/gm)].map(
      ([, comment = ""]) => [file, comment.replaceAll(/^ \* ?/gm, "")] as const,
    ),
  );
  expect(quoted.map(([file]) => file).toSorted()).toEqual([
    "asgi/index.ts",
    "fetch-server/from-server-context.ts",
    "fetch-server/to-server-context.ts",
    "fetch/from-fetch.ts",
    "fetch/to-fetch.ts",
    "node/from-node.ts",
    "node/to-node.ts",
    "wsgi/index.ts",
  ]);
  expect(quoted.filter(([, program]) => !examples.has(program))).toEqual([]);
});

test("the README lists each example, and none is longer than 30 lines", () => {
  const listed = [...read("README.md").matchAll(/^\| \[`([^`]+\.ts)`\]/gm)].map(([, name = ""]) => name);
  expect(listed.toSorted()).toEqual(programs.toSorted());
  expect(programs.filter((file) => read(file).trimEnd().split("\n").length > 30)).toEqual([]);
});
