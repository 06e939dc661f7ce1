/** Responses of the socket server, in raw bytes: what the server adds, and what it never sends. */
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { socketServers } from "./socket-servers.ts";
import { CLIENTS_SEE_RESETS } from "./resets.ts";
import { get, post } from "./wire-client.ts";

const { start } = socketServers();

async function* pieces(...given: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  for (const piece of given) yield await Promise.resolve(piece);
}

const LAST = get("/last", "Connection: close");

describe("what the server adds", () => {
  test("is the time of each response, also of a repeated one", async () => {
    const { clock, connect } = await start(() => ({ status: 200, headers: { a: "b" }, body: "same" }));
    const client = connect();
    await client.send(get("/").repeat(3)).until("same", 3);
    clock.advance(1000);
    await client.send(get("/").repeat(3)).until("same", 6);
    const dates = Array.from(client.received.matchAll(/Date: (.+)\r\n/g), ([, date]) => date);
    expect(dates).toHaveLength(6);
    expect([new Set(dates.slice(0, 3)).size, new Set(dates.slice(3)).size, new Set(dates).size]).toEqual([1, 1, 2]);
  });

  test("is Connection where it is needed, also with a repeated response", async () => {
    const { connect } = await start(() => ({ status: 200, headers: { a: "b" }, body: "same" }));
    const kept = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    const received = await connect()
      .send(get("/") + get("/") + kept + kept + get("/") + LAST)
      .end();
    expect(received.split(/HTTP\/1\.1 200 OK\r\n/).map((one) => /Connection: (.+)\r\n/.exec(one)?.[1] ?? "")).toEqual([
      "",
      "",
      "",
      "keep-alive",
      "keep-alive",
      "",
      "close",
    ]);
  });

  test("is a Date, unless the application set one", async () => {
    const { connect } = await start((_request, { target }) =>
      target === "/own" ? { status: 200, headers: { date: "own" } } : { status: 200 },
    );
    const received = await connect()
      .send(get("/own") + get("/") + get("/own") + LAST)
      .end();
    const dates = Array.from(received.matchAll(/^date: (.+)\r\n/gim), ([, date]) => date);
    expect(dates.map((date) => date === "own")).toEqual([true, false, true, false]);
  });

  test("is no length for a streamed body to HTTP/1.0, which ends with the connection", async () => {
    const { connect } = await start(() => ({ status: 200, body: pieces("a", "b") }));
    const received = await connect().send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").end();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: .+\r\nConnection: close\r\n\r\nab$/);
  });

  test("is the application's length for a streamed body, and HTTP/1.0 may keep the connection", async () => {
    const { connect } = await start(() => ({
      status: 200,
      headers: { "content-length": "2" },
      body: pieces("a", "b"),
    }));
    const received = await connect().send(`GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${LAST}`).end();
    expect(received.match(/Content-Length: 2\r\nConnection: (?:keep-alive|close)\r\n\r\nab/g)).toHaveLength(2);
  });
});

describe("no content and no framing of content is", () => {
  test.each<[string, string, OutgoingResponse, string | undefined]>([
    ["in a 204 with a text", "GET", { status: 204, body: "x" }, undefined],
    ["in a 204 with a length", "GET", { status: 204, headers: { "content-length": "1" } }, undefined],
    ["in a 304 with a text", "GET", { status: 304, body: "x" }, undefined],
    ["in a 304 with a length, except the length", "GET", { status: 304, headers: { "content-length": "7" } }, "7"],
    ["in the response to HEAD, except the length", "HEAD", { status: 200, body: "xyz" }, "3"],
    ["in the response to HEAD with a streamed body", "HEAD", { status: 200, body: pieces("x") }, undefined],
    ["in a 204 to HEAD", "HEAD", { status: 204, body: "x" }, undefined],
  ])("%s", async (_what, method, response, length) => {
    const { connect } = await start((_request, { target }) =>
      target === "/last" ? { status: 200, body: "last" } : response,
    );
    const received = await connect().send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n${LAST}`).end();
    const [head = "", rest = ""] = received.split(/\r\n\r\n(?=HTTP\/1\.1 200 OK\r\n)/);
    expect(/content-length: (.+)/i.exec(head)?.[1]).toBe(length);
    expect(head).not.toMatch(/transfer-encoding/i);
    expect(rest).toMatch(/\r\n\r\nlast$/);
  });
});

test("the 500 to HEAD has no content", async () => {
  const { connect } = await start((_request, { target }) => {
    if (target === "/last") return { status: 200, body: "last" };
    throw new Error("secret");
  });
  const received = await connect().send(`HEAD / HTTP/1.1\r\nHost: a\r\n\r\n${LAST}`).end();
  expect(received).toMatch(/^HTTP\/1\.1 500 (?:.+\r\n)+\r\nHTTP\/1\.1 200 [^]*last$/);
});

test("100 Continue is not sent after the response has begun", async () => {
  const read = Promise.withResolvers<string>();
  const { connect } = await start(({ body }) => ({
    status: 200,
    body: (async function* () {
      yield "begun;";
      let content = "";
      for await (const piece of body ?? []) content += Buffer.from(piece).toString();
      read.resolve(content);
      yield "ended";
    })(),
  }));
  const client = connect().send(post("/", "", "Content-Length: 5", "Expect: 100-continue"));
  await client.until("begun;");
  const received = await client.send("hello").end();
  expect(await read.promise).toBe("hello");
  expect(received).not.toContain("100 Continue");
  expect(received).toMatch(/Connection: close\r\n[^]*ended\r\n0\r\n\r\n$/);
});

test.each<[string, () => OutgoingResponse]>([
  ["its first chunk", () => ({ status: 200, body: failing() })],
  ["a first value that is not a chunk", () => ({ status: 200, body: pieces(null as unknown as string) })],
  [
    "a first chunk beyond its length",
    () => ({ status: 200, headers: { "content-length": "1" }, body: pieces("secret") }),
  ],
  ["its end without content", () => ({ status: 200, headers: { "content-length": "1" }, body: pieces("") })],
])("a body that fails at %s is a clean 500, and the connection goes on", async (_what, response) => {
  const { connect } = await start((_request, { target }) =>
    target === "/last" ? { status: 200, body: "last" } : response(),
  );
  const received = await connect()
    .send(get("/") + LAST)
    .end();
  expect(received).toMatch(/^HTTP\/1\.1 500 [^]*Internal Server Error\nHTTP\/1\.1 200 [^]*last$/);
  expect(received).not.toContain("secret");
});

test.each<[string, () => OutgoingResponse]>([
  ["a later chunk", () => ({ status: 200, body: failing("a") })],
  ["a later value that is not a chunk", () => ({ status: 200, body: pieces("a", 5 as unknown as string) })],
  ["a chunk beyond its length", () => ({ status: 200, headers: { "content-length": "1" }, body: pieces("a", "b") })],
  ["an early end", () => ({ status: 200, headers: { "content-length": "2" }, body: pieces("a") })],
  [
    "its trailers",
    () => ({
      status: 200,
      body: pieces("a"),
      trailers: () => {
        throw new Error("secret");
      },
    }),
  ],
  [
    "a trailer that splits the message",
    () => ({ status: 200, body: pieces("a"), trailers: () => ({ x: "y\r\nz: 1" }) }),
  ],
])("a body that fails at %s is reset, and the requests behind it receive no response", async (_what, response) => {
  const { connect } = await start((_request, { target }) =>
    target === "/last" ? { status: 200, body: "last" } : response(),
  );
  const client = connect().send(get("/") + LAST);
  let error: unknown;
  client.socket.on("error", (reason) => (error = reason));
  const received = await client.end();
  if (CLIENTS_SEE_RESETS) expect(error).toMatchObject({ code: "ECONNRESET" });
  expect(received).not.toMatch(/\r\n0\r\n|last|secret|z: 1/);
});

async function* failing(...given: string[]): AsyncGenerator<string> {
  for (const piece of given) yield await Promise.resolve(piece);
  throw new Error("secret");
}
