/** What a handler returns by mistake: both servers send a 500 and log a message that names the request and the mistake. */
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

const RETURNED = "The handler of GET /path?q returned";

const MISTAKES: readonly (readonly [what: string, result: unknown, message: string])[] = [
  ["undefined", undefined, `${RETURNED} undefined. It must return a response`],
  ["a promise of undefined", Promise.resolve(), `${RETURNED} undefined. It must return a response`],
  ["null", null, `${RETURNED} null.`],
  ["a string", "text", `${RETURNED} the string "text".`],
  ["a number", 42, `${RETURNED} the number 42.`],
  ["an array", [], `${RETURNED} an array without a status.`],
  ["an object without status", { body: "x" }, `${RETURNED} an object without a status.`],
  ["a function", () => ({ status: 200 }), `${RETURNED} a function.`],
  ["a status as text", { status: "200" }, 'not the string "200"'],
  ["a status out of range", { status: 600 }, "from 200 to 599, not the number 600"],
  ["101 without a WebSocket", { status: 101 }, "101 only where upgradeWebSocket was called"],
  ["a number as field value", { status: 200, headers: { "content-length": 5 } }, "content-length"],
  ["a number in an array of field values", { status: 200, headers: { "x-a": ["1", 2] } }, "x-a"],
  ["a number in a pair", { status: 200, headers: [["x-a", 1]] }, "x-a"],
  ["null as field value", { status: 200, headers: { "x-a": null } }, "x-a"],
  ["a flat list of fields", { status: 200, headers: ["content-type", "text/plain"] }, 'pairs such as ["content-type"'],
  ["an object as body", { status: 200, body: { a: 1 } }, "The body of a response must be"],
  ["an array as body", { status: 200, body: ["a"] }, "not an array"],
  ["a number as body", { status: 200, body: 42 }, "not the number 42"],
];

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("the %s server", (_kind, serve) => {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  let result: unknown;
  let server: Server;
  beforeAll(async () => {
    server = await serve((() => result) as Handler, { logger, drainIdleMs: 0 });
  });
  afterAll(() => server.close());

  test.each(MISTAKES)("sends a 500 for %s and logs what is wrong", async (_what, given, message) => {
    result = given;
    logger.error.mockClear();
    const response = await fetch(`${server.url}path?q`);
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error\n"]);
    expect(logger.error).toHaveBeenCalledExactlyOnceWith(
      "GET /path?q failed",
      expect.objectContaining({ message: expect.stringContaining(message) as string }),
    );
  });
});
