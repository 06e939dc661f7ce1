import type { Address } from "@tsgi/gateway-spec";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { App } from "../app.ts";
import { loginLimit, rateLimit, verifyPassword } from "./index.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const from = (hostname: string | null) => ({
  exchange: {
    remoteAddress: hostname === null ? null : ({ transport: "tcp", hostname, port: 1 } satisfies Address),
  },
});

function refused(seconds: number) {
  return { status: 429, code: "RATE_LIMITED", headers: { "retry-after": String(seconds) } };
}

describe("rateLimit", () => {
  /** What the limit does with a request. */
  const outcome = (limit: ReturnType<typeof rateLimit>, hostname: string | null = "192.0.2.1") => {
    try {
      return limit(from(hostname)) ?? "accepted";
    } catch (error) {
      return error;
    }
  };

  test("accepts the limit at once, and then one request after each part of the time", () => {
    const limit = rateLimit({ limit: 3, windowSeconds: 60 });
    const take = () => outcome(limit);
    expect([take(), take(), take()]).toEqual(["accepted", "accepted", "accepted"]);
    expect(take()).toMatchObject(refused(20));
    vi.advanceTimersByTime(19_000);
    expect(take()).toMatchObject(refused(1));
    vi.advanceTimersByTime(1000);
    expect(take()).toBe("accepted");
    expect(take()).toMatchObject(refused(20));
    vi.advanceTimersByTime(60_000);
    expect([take(), take(), take()]).toEqual(["accepted", "accepted", "accepted"]);
    expect(take()).toMatchObject(refused(20));
  });

  test.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["2001:db8::1", "2001:db8::2", true],
    ["2001:db8::1", "2001:db8:0:0:ffff::", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", true],
    ["::1", "::2", true],
    ["::1", "1::", false],
    [null, null, true],
    [null, "192.0.2.1", false],
  ])("the addresses %j and %j are one client: %s", (first, second, isOne) => {
    const limit = rateLimit({ limit: 1, windowSeconds: 60 });
    expect(outcome(limit, first)).toBe("accepted");
    expect(outcome(limit, second) === "accepted").toBe(!isOne);
  });

  test("forgets the client that came first where there are too many", () => {
    const limit = rateLimit({ limit: 1, windowSeconds: 60, maxKeys: 2 });
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) expect(outcome(limit, address)).toBe("accepted");
    expect(outcome(limit, "192.0.2.3")).toMatchObject(refused(60));
    expect(outcome(limit, "192.0.2.2")).toMatchObject(refused(60));
    expect(outcome(limit, "192.0.2.1")).toBe("accepted");
  });

  test.each([
    [{ limit: 0, windowSeconds: 60 }, "limit must be a positive number, not 0"],
    [{ limit: 1, windowSeconds: Number.NaN }, "windowSeconds must be a positive number, not NaN"],
    [{ limit: 1, windowSeconds: 1, maxKeys: -1 }, "maxKeys must be a positive number, not -1"],
  ])("refuses %j", (options, message) => {
    expect(() => rateLimit(options)).toThrow(new RangeError(message));
  });

  test("is a need of a route: a request too many is a problem document with Retry-After", async () => {
    const app = new App();
    app.get("/", { needs: { limit: rateLimit({ limit: 1, windowSeconds: 30 }) } }, () => "hello");
    await using client = await createTestClient(app);
    expect((await client.request("/")).status).toBe(200);
    const response = await client.request("/");
    expect([response.status, response.headers.get("retry-after"), response.json()]).toEqual([
      429,
      "30",
      {
        title: "Too Many Requests",
        status: 429,
        detail: "Try again in 30 s",
        code: "RATE_LIMITED",
      },
    ]);
  });
});

describe("loginLimit", () => {
  const right = () => true;
  const wrong = () => false;
  const repeat = async (times: number, attempt: (i: number) => Promise<unknown>) => {
    for (let i = 0; i < times; i++) await attempt(i);
  };

  test("refuses an account after ten wrong passwords, from whichever address, and then accepts one in 90 seconds", async () => {
    const limited = loginLimit();
    await repeat(10, async (i) => expect(await limited(from(`192.0.2.${i}`), "ann", wrong)).toBe(false));
    const verify = vi.fn(right);
    await expect(limited(from("192.0.2.99"), "ann", verify)).rejects.toMatchObject(refused(90));
    expect(verify).not.toHaveBeenCalled();
    expect(await limited(from("192.0.2.99"), "bob", right)).toBe(true);
    vi.advanceTimersByTime(90_000);
    expect(await limited(from("192.0.2.99"), "ann", right)).toBe(true);
  });

  test("refuses an address after fifty wrong passwords, for whichever account", async () => {
    const limited = loginLimit();
    await repeat(50, (i) => limited(from("192.0.2.1"), `account ${i}`, wrong));
    await expect(limited(from("192.0.2.1"), "ann", right)).rejects.toMatchObject(refused(18));
    expect(await limited(from("192.0.2.2"), "ann", right)).toBe(true);
  });

  test.each([
    ["wrong passwords at the same time are not more than one after the other", false, 3],
    ["right passwords at the same time are all accepted", true, 8],
  ])("%s", async (_title, result, count) => {
    const limited = loginLimit({ perAccount: 3 });
    const attempts = Array.from({ length: 8 }, () => limited(from("192.0.2.1"), "ann", async () => result));
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(count);
  });

  test.each([
    ["right passwords", () => "Ann"],
    ["errors, such as those of a database,", () => Promise.reject(new Error("down"))],
  ])("%s do not count", async (_title, verify) => {
    const limited = loginLimit({ perAccount: 2, perAddress: 2 });
    await repeat(5, () => limited(from("192.0.2.1"), "ann", verify as () => unknown).catch(() => {}));
    expect(await limited(from("192.0.2.1"), "ann", right)).toBe(true);
  });

  test.each([["ANN"], [" ann "], ["Änn"], ["ａｎｎ"]])("%j is the account ann", async (name) => {
    const limited = loginLimit({ perAccount: 1 });
    await limited(from("192.0.2.1"), "ann", wrong);
    await expect(limited(from("192.0.2.1"), name, right)).rejects.toMatchObject({ status: 429 });
  });

  test.each([[null], [undefined], [false]])("a result of %s is a wrong password", async (result) => {
    const limited = loginLimit({ perAccount: 1 });
    expect(await limited(from("192.0.2.1"), "ann", () => result)).toBe(result);
    await expect(limited(from("192.0.2.1"), "ann", right)).rejects.toMatchObject({ status: 429 });
  });

  test("gives what the function gives, typed", async () => {
    const found: boolean = await loginLimit()(from("192.0.2.1"), "ann", () => verifyPassword("x".repeat(2000), null));
    expect(found).toBe(false);
  });
});
