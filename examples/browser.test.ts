/** Chromium uses the WebSocket and the event stream of the examples until the server shuts down. */
import type { Handler } from "@tsgi/gateway-spec";
import { serve as serveNode } from "@tsgi/server/node";
import { serve as serveSocket } from "@tsgi/server/socket";
import { expect, test } from "vitest";
import { describeWithChromium } from "../scripts/lib/chromium.ts";
import { application as clock } from "./event-stream-clock.ts";
import { application as echo } from "./websocket-echo.ts";

/** Records the messages, the first tick, and how both connections end. */
const PAGE = `<!doctype html><title>live</title><link rel="icon" href="data:,"><script>
  const records = [];
  const socket = new WebSocket("/echo");
  socket.onopen = () => ["one", "添", "x".repeat(70000)].forEach((text) => socket.send(text));
  socket.onmessage = ({ data }) => records.push("echo of " + data.length);
  socket.onclose = ({ code, wasClean }) => records.push("close " + code + " " + wasClean);
  const clock = new EventSource("/clock");
  clock.addEventListener("tick", () => records.push("tick"), { once: true });
  clock.onerror = () => {
    records.push("end of the stream");
    clock.close();
  };
</script>`;

const application: Handler = (request, exchange) => {
  if (exchange.target === "/echo") return echo(request, exchange);
  if (exchange.target === "/clock") return clock(request, exchange);
  return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: PAGE };
};

describeWithChromium("in Chromium", (visit) => {
  test.each([
    ["socket", serveSocket],
    ["node", serveNode],
  ])("a WebSocket and an event stream of the %s server work, and end when it shuts down", async (_name, serve) => {
    const server = await serve(application, { shutdownTimeoutMs: 10_000 });
    await using window = await visit(server.url);
    const { page } = window;
    await page.goto("/");
    const records = async (count: number) => {
      await page.waitForFunction(`records.length >= ${count}`);
      return page.evaluate<readonly string[]>("records");
    };
    const live = await records(4);
    expect(live.filter((note) => note !== "tick")).toEqual(["echo of 3", "echo of 1", "echo of 70000"]);
    const closed = server.close();
    expect((await records(6)).slice(4).toSorted()).toEqual(["close 1001 true", "end of the stream"]);
    await closed;
  });
});
