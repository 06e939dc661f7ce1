import { describe, expect, test } from "vitest";
import type { HeaderFields, OutgoingResponse } from "../index.ts";
import { BodyWriter, MAX_WRITE_BYTES, type BodySink } from "./body-writer.ts";
import { openBody } from "./response-body.ts";

/** Records what it is given; a flush makes one line of all that was written before it. */
class RecordingSink implements BodySink {
  readonly lines: string[] = [];
  readonly parts: Buffer[] = [];
  blocked: PromiseWithResolvers<void> | null = null;
  writer: BodyWriter | null = null;
  afterFlush: () => void = () => undefined;
  readonly #over = Promise.withResolvers<unknown>();
  #buffer = "";

  writeHead(): void {
    this.#buffer += "head|";
  }

  write(part: string | Uint8Array): void {
    this.parts.push(Buffer.from(part));
    this.#buffer += typeof part === "string" ? part : new TextDecoder().decode(part);
  }

  flush(): void {
    if (this.#buffer !== "") this.lines.push(this.#buffer);
    this.#buffer = "";
    this.afterFlush();
  }

  writable(): Promise<void> | null {
    return this.blocked?.promise ?? null;
  }

  end(trailers: HeaderFields | undefined): void {
    this.#buffer += trailers === undefined ? "|end" : `|end ${JSON.stringify(trailers)}`;
    this.flush();
    this.#over.resolve("sent");
  }

  failed(error: unknown): void {
    this.writer?.release(error);
    this.flush();
    this.#over.resolve(error);
  }

  /** "sent", or what the writer failed with. */
  get over(): Promise<unknown> {
    return this.#over.promise;
  }
}

type Pieces = Exclude<OutgoingResponse["body"], string | Uint8Array | null | undefined>;

function send(body: Pieces, contentLength = -1, trailers?: OutgoingResponse["trailers"]): RecordingSink {
  const sink = new RecordingSink();
  sink.writer = new BodyWriter(sink, openBody(body), contentLength, trailers);
  sink.writer.start();
  return sink;
}

async function* pieces(...all: readonly unknown[]): AsyncGenerator<string> {
  for (const piece of all) {
    if (piece === "turn") await new Promise(setImmediate);
    else if (piece instanceof Error) throw piece;
    else yield piece as string;
  }
}

describe("the sender of a body in pieces", () => {
  test("sends pieces that come in one turn in one write, with the head", async () => {
    const sink = send(pieces("a", "b", "", "c"));
    expect(await sink.over).toBe("sent");
    expect(sink.lines).toEqual(["head|abc|end"]);
  });

  test("holds no piece back for the next one", async () => {
    const sink = send(pieces("a", "turn", "turn", "b"));
    await sink.over;
    expect(sink.lines).toEqual(["head|a", "b|end"]);
  });

  test("sends the head alone where no piece comes within one turn", async () => {
    const sink = send(pieces("turn", "turn", "a"));
    await sink.over;
    expect(sink.lines).toEqual(["head|", "a|end"]);
  });

  test.each([
    ["strings of ASCII", ["a", "b", "", "c"], ["abc"]],
    ["strings of other letters", ["a", "é", "添"], [new TextEncoder().encode("aé添")]],
    ["strings and short bytes", ["a", Buffer.from("é"), "b"], [new TextEncoder().encode("aéb")]],
    ["long bytes between strings", ["a", "b", Buffer.alloc(5000), "c", "d"], ["ab", Buffer.alloc(5000), "cd"]],
    ["the halves of a surrogate pair", ["\ud83d", "\ude00"], [new TextEncoder().encode("\ufffd\ufffd")]],
  ])("joins %s of one turn", async (_what, body, parts) => {
    const sink = send(pieces(...body));
    await sink.over;
    expect(sink.parts).toEqual(parts.map((part) => Buffer.from(part)));
  });

  test("flushes 128 KiB before the turn ends", async () => {
    const half = new Uint8Array(MAX_WRITE_BYTES / 2).fill(0x61);
    const sink = send(pieces(half, half, "b", half, half));
    await sink.over;
    expect(sink.lines.map((line) => line.length)).toEqual([
      MAX_WRITE_BYTES + "head|".length,
      MAX_WRITE_BYTES / 2 + 1,
      MAX_WRITE_BYTES / 2 + "|end".length,
    ]);
  });

  test("cuts a long piece so that it can be seen whether the client reads", async () => {
    const sink = send(pieces("é".repeat(MAX_WRITE_BYTES)));
    await sink.over;
    expect(sink.parts.map(({ length }) => length)).toEqual([MAX_WRITE_BYTES, MAX_WRITE_BYTES]);
  });

  test("pulls nothing while the client does not read", async () => {
    let pulls = 0;
    const sink = new RecordingSink();
    const blocked = Promise.withResolvers<void>();
    sink.blocked = blocked;
    const body = (async function* () {
      for (; pulls < 3; pulls++) yield "x";
    })();
    const writer = new BodyWriter(sink, openBody(body), -1);
    writer.start();
    await new Promise(setImmediate);
    expect([pulls, writer.waitsForClient]).toEqual([0, true]);
    sink.blocked = null;
    blocked.resolve();
    expect([await sink.over, pulls, writer.waitsForClient]).toEqual(["sent", 3, false]);
  });

  test("pulls nothing after a write that the client has to read first", async () => {
    let pulls = 0;
    const sink = new RecordingSink();
    const blocked = Promise.withResolvers<void>();
    sink.afterFlush = () => (sink.blocked = blocked);
    const body = (async function* () {
      for (; pulls < 4; pulls++) yield new Uint8Array(MAX_WRITE_BYTES / 2);
    })();
    new BodyWriter(sink, openBody(body), -1).start();
    await new Promise(setImmediate);
    expect([pulls, sink.lines.length]).toEqual([1, 1]);
    sink.blocked = null;
    sink.afterFlush = () => undefined;
    blocked.resolve();
    expect([await sink.over, pulls]).toEqual(["sent", 4]);
  });

  test("gives other clients turns while its pieces are always at hand", async () => {
    const others = { served: false };
    setImmediate(() => (others.served = true));
    const sink = send(
      (async function* () {
        while (!others.served) yield "x";
      })(),
    );
    expect(await sink.over).toBe("sent");
  });

  test("fails early where the body throws before its first piece", async () => {
    const error = new Error("no rows");
    const sink = send(pieces(error));
    expect([await sink.over, sink.writer?.headWritten, sink.lines]).toEqual([error, false, []]);
  });

  test("fails late where the body throws in the turn of its first piece", async () => {
    const error = new Error("no more rows");
    const sink = send(pieces("a", error));
    expect([await sink.over, sink.writer?.headWritten, sink.parts]).toEqual([error, true, []]);
  });

  test("fails late where the body throws after the turn of its first piece", async () => {
    const error = new Error("no more rows");
    const sink = send(pieces("a", "turn", error));
    expect([await sink.over, sink.writer?.headWritten, sink.lines]).toEqual([error, true, ["head|a"]]);
  });

  test.each([
    ["longer", 3, ["ab", "cd"], "The response announces 3 bytes of content, and its body has 4"],
    ["shorter", 5, ["ab", "é"], "The response announces 5 bytes of content, and its body has 4"],
  ])("fails where the body is %s than its Content-Length", async (_how, length, body, message) => {
    expect(await send(pieces(...body), length).over).toMatchObject({ message });
  });

  test.each([
    [42, "not the number 42"],
    [null, "not null"],
    [["a"], "not an array"],
  ])("fails for the piece %j", async (piece, message) => {
    expect(await send(pieces(piece)).over).toMatchObject({ message: expect.stringContaining(message) as string });
  });

  test("asks for trailers when the body has ended", async () => {
    const sink = send(pieces("a"), -1, () => Promise.resolve({ "x-sum": "1" }));
    await sink.over;
    expect(sink.lines).toEqual(['head|a|end {"x-sum":"1"}']);
  });

  test("fails where the trailers fail", async () => {
    const error = new Error("no sum");
    expect(await send(pieces("a"), -1, () => Promise.reject(error)).over).toBe(error);
  });

  test("releases the body once and sends nothing more", async () => {
    let releases = 0;
    const sink = new RecordingSink();
    const source = { next: () => new Promise<never>(() => undefined), cancel: () => void releases++ };
    const writer = new BodyWriter(sink, source, -1);
    writer.start();
    writer.release("gone");
    writer.release("gone");
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect([releases, sink.lines]).toEqual([1, []]);
  });
});
