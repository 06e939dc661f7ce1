/** The timeouts of a connection of the socket server, as a table. */
import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS, LINGER_MS, MAX_LINGER_MS } from "../src/options.ts";
import {
  DRAIN_FIRST_REQUEST_MS,
  exceededTimeout,
  HALF_CLOSED_MS,
  type Measured,
  type TimeoutAction,
  type Waiting,
} from "../src/socket/timeouts.ts";

const QUIET: Measured = {
  waiting: "response",
  waitingMs: 0,
  silentMs: 0,
  unreadMs: null,
  blocked: false,
  drainIdleMs: null,
};
const { headTimeoutMs, bodyTimeoutMs, sendTimeoutMs, keepAliveTimeoutMs } = DEFAULT_LIMITS;
const act = (measured: Partial<Measured>, limits = DEFAULT_LIMITS) =>
  exceededTimeout({ ...QUIET, ...measured }, limits);

test.each<[Waiting, "waitingMs" | "silentMs", number, TimeoutAction]>([
  ["first-request", "waitingMs", headTimeoutMs, "destroy"],
  ["head", "waitingMs", headTimeoutMs, "refuse-head"],
  ["content", "silentMs", bodyTimeoutMs, "fail-content"],
  ["discarded-content", "waitingMs", bodyTimeoutMs, "finish"],
  ["next-request", "waitingMs", keepAliveTimeoutMs, "finish"],
  ["half-closed", "silentMs", HALF_CLOSED_MS, "disconnect"],
  ["close", "silentMs", LINGER_MS, "destroy"],
  ["close", "waitingMs", MAX_LINGER_MS, "destroy"],
])("waiting for %s is limited by its %s (%i)", (waiting, measure, limitMs, action) => {
  expect(act({ waiting, [measure]: limitMs - 1 })).toBe("none");
  expect(act({ waiting, [measure]: limitMs })).toBe(action);
});

test.each<Waiting>(["response", "websocket"])("waiting for a %s has no timeout", (waiting) => {
  expect(act({ waiting, waitingMs: 86_400_000, silentMs: 86_400_000 })).toBe("none");
});

test("a head and discarded content are limited as a whole, and reads do not restart them", () => {
  expect(act({ waiting: "head", waitingMs: headTimeoutMs, silentMs: 0 })).toBe("refuse-head");
  expect(act({ waiting: "discarded-content", waitingMs: bodyTimeoutMs, silentMs: 0 })).toBe("finish");
});

test("a body for a client that has closed its sending side is not silent while output waits for the client", () => {
  expect(act({ waiting: "half-closed", silentMs: HALF_CLOSED_MS, unreadMs: 0 })).toBe("none");
});

describe("while output waits for the client", () => {
  const waitings: readonly Waiting[] = ["first-request", "head", "content", "response", "next-request", "close"];

  test.each(waitings)("%s: a client that reads nothing for sendTimeoutMs is reset", (waiting) => {
    expect(act({ waiting, unreadMs: sendTimeoutMs })).toBe("reset");
    expect(act({ waiting, unreadMs: sendTimeoutMs - 1 })).not.toBe("reset");
  });

  test("the next request and the close of the client are not due", () => {
    for (const waiting of ["next-request", "close"] as const) {
      expect(act({ waiting, waitingMs: 3_600_000, silentMs: 3_600_000, unreadMs: 1 })).toBe("restart");
    }
  });

  test("content is due, unless so much output waits that it cannot be read", () => {
    expect(act({ waiting: "content", silentMs: bodyTimeoutMs, unreadMs: 1 })).toBe("fail-content");
    expect(act({ waiting: "content", silentMs: bodyTimeoutMs, unreadMs: 1, blocked: true })).toBe("restart");
  });

  test("a WebSocket is not reset: it has its own limit", () => {
    expect(act({ waiting: "websocket", unreadMs: sendTimeoutMs })).toBe("none");
  });
});

describe("during a shutdown", () => {
  test("an idle connection and a WebSocket have drainIdleMs", () => {
    expect(act({ waiting: "next-request", waitingMs: 999, drainIdleMs: 1000 })).toBe("none");
    expect(act({ waiting: "next-request", waitingMs: 1000, drainIdleMs: 1000 })).toBe("finish");
    expect(act({ waiting: "websocket", waitingMs: 1000, drainIdleMs: 1000 })).toBe("close-websocket");
  });

  test("a connection that has sent nothing has the time of a head, and at most 5 seconds", () => {
    expect(act({ waiting: "first-request", waitingMs: DRAIN_FIRST_REQUEST_MS - 1, drainIdleMs: 0 })).toBe("none");
    expect(act({ waiting: "first-request", waitingMs: DRAIN_FIRST_REQUEST_MS, drainIdleMs: 0 })).toBe("destroy");
    const limits = { ...DEFAULT_LIMITS, headTimeoutMs: 100 };
    expect(act({ waiting: "first-request", waitingMs: 100, drainIdleMs: 0 }, limits)).toBe("destroy");
  });
});
