import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type AddressInfo, createServer } from "node:net";
import { once } from "node:events";
import type { Serve } from "../index.ts";
import { cases } from "./cases/index.ts";
import type { ServerCase } from "./case.ts";
import { runCase } from "./run.ts";

const serveNothing: Serve = () => Promise.reject(new Error("this case starts no server"));

function waitingCase(wait: Promise<void>): ServerCase {
  return {
    kind: "server",
    name: "waits",
    rules: [],
    title: "a case that waits",
    sends: "Nothing.",
    expects: "Nothing.",
    deadlineMs: 3000,
    run: async ({ within }) => within(wait, "the reply"),
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a wait of a second is reported with what the case waits for, once", async () => {
  const gate = Promise.withResolvers<void>();
  const one = waitingCase(gate.promise);
  const onWait = vi.fn();
  const running = runCase(one, { serve: serveNothing }, { onWait });
  await vi.advanceTimersByTimeAsync(999);
  expect(onWait).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1500);
  expect(onWait.mock.calls).toEqual([[{ case: one, protocol: "http/1.1" }, "the reply"]]);
  gate.resolve();
  expect(await running).toEqual({ kind: "passed" });
});

test("a wait beyond the deadline of the case fails it", async () => {
  const running = runCase(waitingCase(new Promise(() => undefined)), { serve: serveNothing });
  await vi.advanceTimersByTimeAsync(3000);
  expect(await running).toMatchObject({ kind: "failed", error: { message: "waited 3000 ms for the reply" } });
});

test("time in which the event loop was blocked does not count towards the deadline of a wait", async () => {
  vi.useRealTimers();
  const gate = Promise.withResolvers<void>();
  const running = runCase({ ...waitingCase(gate.promise), deadlineMs: 200 }, { serve: serveNothing });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  // The timers that are due run between the two turns.
  setImmediate(() => setImmediate(gate.resolve));
  expect(await running).toEqual({ kind: "passed" });
});

test("malformed-request shows the bytes that the client had sent", async () => {
  vi.useRealTimers();
  const server = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const one = cases.find(({ name }) => name === "malformed-request");
  if (one === undefined) throw new Error("the case has another name");
  const outcome = await runCase(one, { host: "127.0.0.1", port });
  expect(outcome.kind === "failed" ? String(outcome.error) : outcome).toMatch(
    /expected a 4xx for no request line, saw 200\nThe client had sent: "what is this\\r\\n\\r\\nGET /,
  );
  server.close();
});
