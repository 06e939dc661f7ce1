import type { Handler } from "@tsgi/gateway-spec";
import { messages, send } from "@tsgi/gateway-spec/websocket";
import { readForm, readJson, readText } from "@tsgi/gateway-spec/body";
import { describe, expect, test } from "vitest";
import { expireCookie, writeCookie } from "../cookies/index.ts";
import { uploads } from "../uploads/index.ts";
import { CookieJar, testClient } from "./index.ts";

/** Sends back what the request was. */
const echo: Handler = async (request) => ({
  status: 200,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    method: request.method,
    url: request.url,
    type: request.headers.get("content-type"),
    cookie: request.headers.get("cookie"),
    text: await readText(request),
  }),
});

describe("requests", () => {
  test.each(["get", "post", "put", "patch", "delete"] as const)("%s sends its method", async (method) => {
    await using client = await testClient(echo);
    expect((await client[method]("/x")).json()).toMatchObject({
      method: method.toUpperCase(),
      url: "http://test.localhost/x",
    });
  });

  test("puts a query behind the target's own", async () => {
    await using client = await testClient(echo);
    const response = await client.get("/x?a=1", { query: { b: "c d", tag: ["1", "2"], n: 3 } });
    expect(response.json()).toMatchObject({ url: "http://test.localhost/x?a=1&b=c+d&tag=1&tag=2&n=3" });
  });

  test("sends JSON and forms with their types", async () => {
    await using client = await testClient(async (request) => {
      const isForm = request.headers.get("content-type") === "application/x-www-form-urlencoded";
      const read = isForm ? [...(await readForm(request))] : await readJson(request);
      return { status: 200, body: JSON.stringify(read) };
    });
    expect((await client.post("/", { json: { a: [1, "涨"] } })).json()).toEqual({ a: [1, "涨"] });
    expect((await client.post("/", { form: { a: "1 &", b: ["2", "3"] } })).json()).toEqual([
      ["a", "1 &"],
      ["b", "2"],
      ["b", "3"],
    ]);
  });

  test("sends files", async () => {
    await using client = await testClient(async (request, exchange) => {
      const { fields, files } = await uploads()({ request, exchange });
      const [file] = files.get("f") ?? [];
      return {
        status: 200,
        body: `${fields.get("a")?.[0]} ${file?.filename} ${Buffer.from((await file?.bytes()) ?? []).toString()}`,
      };
    });
    const multipart = new FormData();
    multipart.set("a", "1");
    multipart.set("f", new File(["content"], "f.txt"));
    expect((await client.post("/", { multipart })).text()).toBe("1 f.txt content");
  });

  test("two kinds of content are a TypeError", async () => {
    await using client = await testClient(echo);
    await expect(client.post("/", { json: 1, form: {} })).rejects.toThrow(/one of json, form, multipart and body/);
  });
});

describe("redirects", () => {
  const site: Handler = (request) => {
    const { pathname } = new URL(request.url);
    const status = Number(pathname.slice(1));
    return status > 300
      ? { status, headers: { location: "../end#part" } }
      : { status: 200, body: `${request.method} ${pathname}` };
  };

  test("are not followed by default", async () => {
    await using client = await testClient(site);
    expect((await client.post("/303")).status).toBe(303);
  });

  test.each([
    ["POST", 303, "GET /end"],
    ["POST", 302, "GET /end"],
    ["POST", 301, "GET /end"],
    ["PUT", 302, "PUT /end"],
    ["POST", 307, "POST /end"],
    ["POST", 308, "POST /end"],
  ])("of %s with %i lead to %s", async (method, status, expected) => {
    await using client = await testClient(site);
    expect((await client.request(method, `/${status}`, { maxRedirects: 1 })).text()).toBe(expected);
  });

  test("are followed as often as allowed", async () => {
    let count = 0;
    await using client = await testClient(() => ({ status: 302, headers: { location: `/${++count}` } }));
    expect((await client.get("/", { maxRedirects: 5 })).headers.get("location")).toBe("/6");
  });
});

describe("cookies", () => {
  test("are kept, sent back, and forgotten when they expire", async () => {
    await using client = await testClient((request) => {
      const { pathname } = new URL(request.url);
      const lines = { "/in": writeCookie("user", "安 7"), "/out": expireCookie("user") }[pathname];
      return {
        status: 200,
        headers: lines === undefined ? {} : { "set-cookie": lines },
        body: request.headers.get("cookie") ?? "none",
      };
    });
    expect((await client.get("/")).text()).toBe("none");
    await client.get("/in");
    expect(client.cookies.get("user")).toBe("安 7");
    expect((await client.get("/")).text()).toBe("user=%E5%AE%89%207");
    await client.get("/out");
    expect((await client.get("/")).text()).toBe("none");
  });

  test.each([
    ["a=1; Path=/shop", "/other/x", "/shop/cart", "a=1"],
    ["a=1; Path=/shop", "/other/x", "/shopping", null],
    ["a=1", "/shop/x", "/shop/y", "a=1"],
    ["a=1", "/shop/x", "/other", null],
    ["a=1; Path=/; Max-Age=0", "/", "/", null],
    ["a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/", "/", null],
  ])("the jar takes %j from %s and sends to %s the field %j", (line, from, to, expected) => {
    const jar = new CookieJar();
    jar.receive([line], from);
    expect(jar.fieldFor(to)).toBe(expected);
  });

  test("the cookie with the longer path comes first", () => {
    const jar = new CookieJar();
    jar.receive(["a=root; Path=/", "a=deep; Path=/deep"], "/");
    expect(jar.fieldFor("/deep/x")).toBe("a=deep; a=root");
    jar.clear();
    expect(jar.fieldFor("/")).toBeNull();
  });
});

describe("webSocket", () => {
  const chat: Handler = (_request, exchange) => {
    if (exchange.upgradeWebSocket === undefined) return { status: 426, body: "WebSocket only" };
    const { socket, response } = exchange.upgradeWebSocket({ protocol: "chat" });
    void (async () => {
      for await (const message of messages(socket)) {
        if (message === "bye") socket.close(4000, "see you");
        else await send(socket, message);
      }
    })();
    return response;
  };

  test("carries text and bytes both ways, and the close", async () => {
    await using client = await testClient(chat);
    const socket = await client.webSocket("/chat", { protocols: ["other", "chat"] });
    expect(socket.protocol).toBe("chat");
    socket.send("涨");
    socket.send(Uint8Array.of(1, 2));
    expect([await socket.next(), await socket.next()]).toEqual(["涨", Uint8Array.of(1, 2)]);
    socket.send("bye");
    expect(await socket.closed).toEqual({ code: 4000, reason: "see you" });
    await expect(socket.next()).rejects.toThrow(/closed with 4000/);
  });

  test("the application learns that the test closed it", async () => {
    const closed = Promise.withResolvers<number>();
    await using client = await testClient((_request, exchange) => {
      const upgrade = exchange.upgradeWebSocket?.();
      if (upgrade === undefined) return { status: 426 };
      upgrade.socket.addEventListener("close", ({ code }) => {
        closed.resolve(code);
      });
      return upgrade.response;
    });
    (await client.webSocket("/")).close(3001);
    expect(await closed.promise).toBe(3001);
  });

  test("rejects with the response of an application that does not accept", async () => {
    await using client = await testClient(() => ({ status: 403, body: "members only" }));
    await expect(client.webSocket("/")).rejects.toThrow("did not accept the WebSocket: it sent 403 members only");
  });

  test("a protocol that the client does not offer is an error in the application", async () => {
    await using client = await testClient(chat);
    await expect(client.webSocket("/chat")).rejects.toThrow(/did not offer the protocol "chat"/);
  });
});
