import { describe, expect, test, vi } from "vitest";
import { takeWhole } from "./whole-content.ts";
import { BodyQueue } from "./body-queue.ts";
import { clientDisconnected } from "./refusals.ts";

function queue(limitBytes?: number) {
  const events: string[] = [];
  const body = new BodyQueue(
    { contentOpened: () => void events.push("opened"), contentPulled: () => void events.push("pulled") },
    limitBytes,
  );
  return { body, events };
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function read(body: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const pieces: string[] = [];
  for await (const piece of body) pieces.push(new TextDecoder().decode(piece));
  return pieces;
}

describe("the queue of request content", () => {
  test("gives pieces that arrived before and after the pull, in order", async () => {
    const { body, events } = queue();
    body.push(bytes("a"));
    const pieces = read(body);
    body.push(bytes("b"));
    await Promise.resolve();
    body.push(bytes("c"));
    body.end();
    expect(await pieces).toEqual(["a", "b", "c"]);
    expect(events[0]).toBe("opened");
    expect(events.filter((event) => event === "opened")).toHaveLength(1);
  });

  test("has one reader", () => {
    const { body } = queue();
    body[Symbol.asyncIterator]();
    expect(() => body[Symbol.asyncIterator]()).toThrow("it can be read once");
  });

  test("gives pulls that overlap their pieces in order", async () => {
    const { body } = queue();
    const pulls = [body.next(), body.next(), body.next()];
    body.push(bytes("a"));
    body.push(bytes("b"));
    body.end();
    const results = await Promise.all(pulls);
    expect(results.map(({ value }) => value && new TextDecoder().decode(value))).toEqual(["a", "b", undefined]);
  });

  test.each([
    ["bytes", 1, new Uint8Array(64 * 1024)],
    ["pieces", 256, new Uint8Array(1)],
  ])("is full at a number of %s and has room after a pull", async (_of, count, piece) => {
    const { body } = queue();
    for (let i = 0; i < count; i++) {
      expect(body.full).toBe(false);
      body.push(piece);
    }
    expect(body.full).toBe(true);
    await body.next();
    expect(body.full).toBe(false);
  });

  test("fails beyond its limit, after the pieces that arrived before", async () => {
    const { body } = queue(3);
    expect([body.push(bytes("ab")), body.push(bytes("cd")), body.push(bytes("ef"))]).toEqual([true, false, true]);
    const iterator = body[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual(bytes("ab"));
    const error = { code: "REQUEST_BODY_TOO_LARGE", message: "The request content is longer than 3 bytes" };
    await expect(iterator.next()).rejects.toMatchObject(error);
    await expect(iterator.next()).rejects.toMatchObject(error);
  });

  test("fails the pull that waits and all later ones", async () => {
    const { body } = queue();
    const pull = body.next();
    expect(body.waiting).toBe(true);
    body.fail(clientDisconnected());
    await expect(pull).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    await expect(body.next()).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(body.waiting).toBe(false);
  });

  test("does not fail once all content has arrived", async () => {
    const { body } = queue();
    body.push(bytes("a"));
    body.end();
    body.fail(clientDisconnected());
    expect(await read(body)).toEqual(["a"]);
  });

  test("drops the rest for a reader that leaves", async () => {
    const { body, events } = queue();
    body.push(bytes("a"));
    await body[Symbol.asyncIterator]().return?.();
    events.length = 0;
    body.push(new Uint8Array(100_000));
    expect([body.full, await body.next(), events]).toEqual([false, { done: true, value: undefined }, []]);
  });

  test("gives a reader that goes on after the response REQUEST_BODY_DROPPED", async () => {
    const { body } = queue();
    const pull = body.next();
    body.abandon();
    await expect(pull).rejects.toMatchObject({ code: "REQUEST_BODY_DROPPED" });
    const { body: late } = queue();
    late.abandon();
    late.push(bytes("a"));
    late.end();
    await expect(late.next()).rejects.toMatchObject({ code: "REQUEST_BODY_DROPPED" });
  });

  test("fulfils trailers when the content has been read to its end", async () => {
    const { body } = queue();
    const { trailers } = body;
    let settled = false;
    void trailers.then(() => (settled = true));
    body.push(bytes("a"));
    body.end(["x-checksum", "1"]);
    await Promise.resolve();
    expect(settled).toBe(false);
    await body.next();
    expect([...(await trailers)]).toEqual([["x-checksum", "1"]]);
    expect(await body.trailers).toBe(await trailers);
  });

  test.each([
    ["the client leaves", (body: BodyQueue) => body.fail(clientDisconnected()), "CLIENT_DISCONNECTED"],
    ["the response is complete", (body: BodyQueue) => body.abandon(), "REQUEST_BODY_DROPPED"],
  ])("rejects trailers that were touched before or after %s", async (_event, end, code) => {
    const { body } = queue();
    const { trailers } = body;
    end(body);
    await expect(trailers).rejects.toMatchObject({ code });
    const { body: later } = queue();
    end(later);
    await expect(later.trailers).rejects.toMatchObject({ code });
  });
});

describe("the whole of a queue of request content", () => {
  test.each([
    ["a piece", ["abc"], "abc"],
    ["nothing", [], ""],
  ])("is %s where all of it has arrived, and has been read then", async (_name, pieces, whole) => {
    const { body } = queue();
    const trailers = vi.fn();
    void body.trailers.then(trailers);
    for (const piece of pieces) body.push(bytes(piece));
    body.end();
    expect(new TextDecoder().decode(takeWhole(body) ?? bytes("none"))).toBe(whole);
    expect(body.opened).toBe(true);
    expect(takeWhole(body)).toBe(null);
    expect(() => body[Symbol.asyncIterator]()).toThrow("it can be read once");
    await Promise.resolve();
    expect(trailers).toHaveBeenCalledOnce();
  });

  test.each<[string, (body: BodyQueue) => void]>([
    ["more may arrive", (body) => body.push(bytes("a"))],
    [
      "it has two pieces",
      (body) => {
        body.push(bytes("a"));
        body.push(bytes("b"));
        body.end();
      },
    ],
    [
      "it has a reader",
      (body) => {
        body.end();
        body[Symbol.asyncIterator]();
      },
    ],
    [
      "a piece has been pulled",
      (body) => {
        body.push(bytes("a"));
        void body.next();
        body.end();
      },
    ],
    ["it has failed", (body) => body.fail(clientDisconnected())],
  ])("is not given where %s", (_name, prepare) => {
    const { body } = queue();
    prepare(body);
    expect(takeWhole(body)).toBe(null);
  });

  test("is not given by a body of another kind", () => {
    expect(takeWhole((async function* () {})())).toBe(null);
  });
});
