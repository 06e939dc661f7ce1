import { createTestClient } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import { HttpError } from "../errors.ts";
import { testClient } from "../testing/index.ts";
import { events, webSocket } from "./index.ts";

describe("events", () => {
  test("sends ids, types and data as JSON, and text as it is", async () => {
    const app = new App();
    app.get("/", (context) =>
      events(context, async function* () {
        yield await Promise.resolve({ id: 7n, event: "price", data: { code: "000007" }, retryMs: 500 });
        yield { data: "plain" };
        yield { id: 8 };
      }),
    );
    await using client = await testClient(app);
    const response = await client.get("/");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.text()).toBe(
      'event: price\nid: 7\nretry: 500\ndata: {"code":"000007"}\n\ndata: plain\n\nid: 8\n\n',
    );
  });

  test.each([
    [undefined, null],
    ["7", "7"],
  ])("gives the source the Last-Event-ID %j as %j", async (sent, given) => {
    const app = new App();
    app.get("/", (context) =>
      events(context, async function* (lastEventId) {
        yield await Promise.resolve({ data: { lastEventId } });
      }),
    );
    await using client = await testClient(app);
    const headers = sent === undefined ? {} : { "last-event-id": sent };
    expect((await client.get("/", { headers })).text()).toBe(`data: ${JSON.stringify({ lastEventId: given })}\n\n`);
  });
});

describe("webSocket", () => {
  const Line = z.object({ text: z.string().max(5) });

  function chat(): App {
    const errors: unknown[] = [];
    const app = new App({ logger: { error: (_message, error) => void errors.push(error) } });
    const me = ({ request }: { readonly request: { readonly headers: { get(name: string): string | null } } }) => {
      const name = request.headers.get("x-name");
      if (name === null) throw new HttpError(401, "LOGIN_REQUIRED");
      return { name };
    };
    webSocket(
      app,
      "/rooms/:id<int>",
      { receive: Line, send: z.object({ line: z.string() }), needs: { me }, protocols: ["chat.2", "chat.1"] },
      async ({ socket, params, me: { name } }) => {
        await socket.send({ line: `${name} enters ${params.id.toFixed(0)} ${socket.protocol}`, secret: 1 } as {
          line: string;
        });
        for await (const { text } of socket.messages) {
          if (text === "bye") return;
          if (text === "throw") throw new Error("no");
          await socket.send({ line: text });
        }
      },
    );
    return app;
  }
  const headers = { "x-name": "ann" };

  test("carries messages that the schemas have checked and stripped", async () => {
    await using client = await testClient(chat());
    const socket = await client.webSocket("/rooms/7", { headers, protocols: ["chat.1", "chat.2"] });
    expect(await socket.next()).toBe('{"line":"ann enters 7 chat.2"}');
    socket.send('{"text":"hi","more":1}');
    expect(await socket.next()).toBe('{"line":"hi"}');
  });

  test.each([
    ["bye", { code: 1000, reason: "" }],
    ["throw", { code: 4011, reason: "" }],
    ["too long", { code: 4007, reason: "The field text of the message is not valid" }],
  ])("closes after the message %j as the handler ended", async (text, closed) => {
    await using client = await testClient(chat());
    const socket = await client.webSocket("/rooms/7", { headers });
    socket.send(JSON.stringify({ text }));
    expect(await socket.closed).toEqual(closed);
  });

  test.each(["no json", "null", Uint8Array.of(1)])(
    "closes after the message %j, which is none, with 4007",
    async (message) => {
      await using client = await testClient(chat());
      const socket = await client.webSocket("/rooms/7", { headers });
      socket.send(message);
      expect(await socket.closed).toEqual({ code: 4007, reason: "The message is not valid" });
    },
  );

  test("shortens the reason of a close to whole characters that fit into its frame", async () => {
    const field = "名".repeat(60);
    const app = new App();
    webSocket(app, "/", { receive: z.object({ [field]: z.string() }), send: Line }, async ({ socket }) => {
      for await (const _ of socket.messages);
    });
    await using client = await testClient(app);
    const socket = await client.webSocket("/");
    socket.send("{}");
    const { code, reason } = await socket.closed;
    // 123 bytes: 10 of "The field ", and 37 characters of 3 bytes.
    expect([code, reason]).toEqual([4007, `The field ${"名".repeat(37)}`]);
  });

  test("a need that refuses sends its status in place of the handshake", async () => {
    await using client = await testClient(chat());
    await expect(client.webSocket("/rooms/7")).rejects.toThrow(/it sent 401/);
  });

  test("a handshake from a page of another site gets 403", async () => {
    await using client = await testClient(chat());
    const foreign = client.webSocket("/rooms/7", { headers: { ...headers, origin: "http://evil.example" } });
    await expect(foreign).rejects.toThrow(/it sent 403/);
  });

  test("a request that is no handshake gets 426 with Upgrade", async () => {
    await using client = await createTestClient(chat());
    const response = await client.request("/rooms/7", { headers });
    expect([response.status, response.headers.get("upgrade")]).toEqual([426, "websocket"]);
  });
});
