/** Closing the socket server under load: every request on an open connection receives its own response. */
import { afterEach, expect, test, vi } from "vitest";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { listen } from "../src/socket/listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, post, WireClient } from "./wire-client.ts";

const CONNECTIONS = 60;
const REQUESTS_BEFORE_CLOSE = 3000;

const clients: WireClient[] = [];
let server: Server;

afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});

test("close under load loses no request and truncates no response", async () => {
  const clock = new ManualClock();
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const shutdown = vi.fn();
  const begun = Promise.withResolvers<{ readonly closed: Promise<void> }>();
  let handled = 0;
  const handler: Handler = async (request, { target }) => {
    handled++;
    if (handled === REQUESTS_BEFORE_CLOSE) begun.resolve({ closed: server.close() });
    // All kinds of responses: at once, later, whole, streamed, after reading the content.
    if (target.startsWith("/late")) await new Promise((resolve) => setImmediate(resolve));
    if (target.startsWith("/pieces")) return { status: 200, body: pieces(`<${target}>`) };
    if (request.method === "POST") return { status: 200, body: `<${target}>${await readText(request)}` };
    return { status: 200, body: `<${target}>` };
  };
  server = await listen({ fetch: handler, shutdown }, { logger }, clock);
  const connect = () => {
    const client = new WireClient(server.address);
    clients.push(client);
    return client;
  };

  // One is idle when the server closes, one sends its request then, one is still sending its content.
  const idle = connect();
  const late = connect();
  const uploading = connect();
  await idle.send(get("/idle")).until("</idle>");
  await late.send(get("/early")).until("</early>");
  uploading.send(post("/upload", "first ", "Content-Length: 11"));

  let sent = 0;
  let responses = 0;
  const load = Array.from({ length: CONNECTIONS }, async (_, connection) => {
    const client = connect();
    for (let i = 0; ; i++) {
      const target = `${["/now", "/late", "/pieces", "/post"][i % 4] ?? ""}/${connection}-${i}`;
      client.received = "";
      client.send(target.startsWith("/post") ? post(target, "content", "Content-Length: 7") : get(target));
      sent++;
      const end = target.startsWith("/pieces") ? "0\r\n\r\n" : target.startsWith("/post") ? ">content" : ">";
      const received = await client.until(end);
      responses++;
      expect(received).toContain(`<${target}>`);
      if (received.includes("Connection: close\r\n")) break;
    }
    await client.end();
  });

  const { closed } = await begun.promise;
  late.received = "";
  expect(await late.send(get("/on-its-way")).end()).toMatch(/Connection: close\r\n.*<\/on-its-way>$/s);
  expect(await uploading.send("again").end()).toMatch(/Connection: close\r\n.*<\/upload>first again$/s);
  await Promise.all(load);
  expect(shutdown).not.toHaveBeenCalled();
  clock.advance(2000);
  await idle.end();
  await closed;

  expect(responses).toBe(sent);
  expect(sent).toBeGreaterThanOrEqual(REQUESTS_BEFORE_CLOSE - 10);
  expect(handled).toBe(sent + 4);
  expect(shutdown).toHaveBeenCalledOnce();
  expect(logger.warn).not.toHaveBeenCalled();
  expect(logger.error).not.toHaveBeenCalled();
});

async function* pieces(text: string): AsyncGenerator<string> {
  for (const piece of [text, " and more"]) {
    await new Promise((resolve) => setImmediate(resolve));
    yield piece;
  }
}
