import { expect, test } from "vitest";
import { ExchangeState } from "./exchange-state.ts";
import { clientDisconnected, serverClosed } from "./refusals.ts";

class Observed extends ExchangeState {
  readonly events: string[] = [];

  protected override get requestContent() {
    return { fail: () => void this.events.push("content") };
  }

  protected override observe(): void {
    this.events.push("observe");
  }
}

test("a failure aborts the signal, releases the body, rejects completed and fails the content, in this order", async () => {
  const exchange = new Observed();
  const { events } = exchange;
  exchange.signal.addEventListener("abort", () => events.push("signal"));
  exchange.responseBody = { release: () => void events.push("body") };
  const completed = exchange.completed.catch(() => events.push("completed"));
  const error = clientDisconnected();
  exchange.fail(error);
  exchange.fail(serverClosed());
  exchange.succeed();
  await completed;
  expect(events).toEqual(["observe", "signal", "body", "content", "completed"]);
  expect([exchange.signal.reason, exchange.failure, exchange.running]).toEqual([error, error, false]);
});

test("a replacement aborts the signal, and completed waits until it is sent", async () => {
  const exchange = new Observed();
  const { events } = exchange;
  exchange.signal.addEventListener("abort", () => events.push("signal"));
  exchange.responseBody = { release: () => void events.push("body") };
  const completed = exchange.completed.then(() => events.push("completed"));
  const error = clientDisconnected();
  exchange.replace(error);
  exchange.replace(serverClosed());
  await new Promise(setImmediate);
  expect(events).toEqual(["observe", "signal", "body", "content"]);
  exchange.succeed();
  exchange.fail(serverClosed());
  await completed;
  expect(events.at(-1)).toBe("completed");
  expect([exchange.failure, exchange.running]).toEqual([error, false]);
});

test("completed that is first touched while a replacement is sent is observed, and rejects where that fails", async () => {
  const exchange = new Observed();
  exchange.replace(clientDisconnected());
  const { completed } = exchange;
  expect(exchange.events).toEqual(["content", "observe"]);
  exchange.fail(serverClosed());
  await expect(completed).rejects.toMatchObject({ code: "SERVER_CLOSED" });
});

test("success fulfils completed and aborts nothing", async () => {
  const exchange = new Observed();
  exchange.succeed();
  exchange.fail(clientDisconnected());
  await exchange.completed;
  expect([exchange.signal.aborted, exchange.failure, exchange.events]).toEqual([false, null, []]);
});

test("signal and completed that are first touched after a failure have its error", async () => {
  const exchange = new Observed();
  const error = clientDisconnected();
  exchange.fail(error);
  expect(exchange.signal.reason).toBe(error);
  await expect(exchange.completed).rejects.toBe(error);
  expect(exchange.events).toEqual(["content"]);
});

test("a failure that observing finds reaches the signal that was touched", () => {
  class Gone extends ExchangeState {
    protected override observe(): void {
      this.fail(clientDisconnected());
    }
  }
  expect(new Gone().signal.aborted).toBe(true);
});
