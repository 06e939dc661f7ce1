/** The option `signal` of every server of the package. */
import { getEventListeners } from "node:events";
import type { Logger } from "@tsgi/gateway-spec";
import { describe, expect, test, vi } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

const logger: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe.each([
  ["the socket server", serveSocket],
  ["the node server", serveNode],
])("%s", (_name, serve) => {
  test("closes when the signal of its options aborts, and close() gives the outcome", async () => {
    const abort = new AbortController();
    const shutdown = vi.fn(() => Promise.reject(new Error("on purpose")));
    const fetch = () => ({ status: 200, body: "ok" });
    const server = await serve({ fetch, shutdown }, { logger, signal: abort.signal, drainIdleMs: 0 });
    const response = await globalThis.fetch(server.url, { headers: { connection: "close" } });
    expect(await response.text()).toBe("ok");
    expect(shutdown).not.toHaveBeenCalled();
    abort.abort();
    await expect(server.close()).rejects.toThrow("on purpose");
    expect(shutdown).toHaveBeenCalledTimes(1);
  });

  test("closes at once with a signal that has aborted already", async () => {
    const shutdown = vi.fn();
    const server = await serve({ fetch: () => ({ status: 200 }), shutdown }, { logger, signal: AbortSignal.abort() });
    await server.close();
    expect(shutdown).toHaveBeenCalledTimes(1);
  });

  test("a signal that outlives the server does not hold it", async () => {
    const { signal } = new AbortController();
    const server = await serve(() => ({ status: 200 }), { logger, signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await server.close();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});
