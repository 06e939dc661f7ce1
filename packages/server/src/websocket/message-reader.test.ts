/** The reader with ws behind it reads what ws reads alone. */
import type { Writable } from "node:stream";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import * as ws from "ws";
import { MessageReader } from "./message-reader.ts";

// The types of ws leave it out.
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => Writable };

const MAX_BYTES = 300_000;

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly rsv: number;
  readonly mask: Uint8Array | null;
  readonly content: Uint8Array;
}

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;

function frame(opcode: number, content: string | Uint8Array, others: Partial<Frame> = {}): Frame {
  return { opcode, isFinal: true, rsv: 0, mask: Buffer.of(1, 2, 200, 255), content: Buffer.from(content), ...others };
}

function encode({ opcode, isFinal, rsv, mask, content }: Frame): Buffer {
  const { length } = content;
  const header = [(isFinal ? 0x80 : 0) | (rsv << 4) | opcode];
  const masked = mask === null ? 0 : 0x80;
  if (length < 126) header.push(masked | length);
  else if (length < 65_536) header.push(masked | 126, length >> 8, length & 255);
  else header.push(masked | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
  const bytes = mask === null ? content : content.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.from(header), mask ?? Buffer.alloc(0), bytes]);
}

/** What a receiver of ws reads, and the code of its error. */
function receiver(log: unknown[]): Writable {
  const reading = new Receiver({ isServer: true, maxPayload: MAX_BYTES });
  reading.on("message", (data: Buffer, isBinary: boolean) => {
    log.push(isBinary ? Buffer.from(data) : data.toString());
  });
  for (const event of ["ping", "pong"]) {
    reading.on(event, (data: Buffer) => {
      log.push([event, data.toString("hex")]);
    });
  }
  reading.on("conclude", (code: number, reason: Buffer) => {
    log.push(["close", code, reason.toString("hex")]);
  });
  reading.on("error", (error: Error & { readonly code: string }) => {
    log.push(error.code);
  });
  return reading;
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

async function readByWs(pieces: readonly Buffer[]): Promise<readonly unknown[]> {
  const log: unknown[] = [];
  const reading = receiver(log);
  for (const piece of pieces) if (!reading.writableEnded) reading.write(Buffer.from(piece));
  await nextTurn();
  return log;
}

/** The pieces arrive in one buffer, which each read overwrites. */
async function readByReader(pieces: readonly Buffer[]): Promise<readonly unknown[]> {
  const log: unknown[] = [];
  const reading = receiver(log);
  const shared = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)) + 1);
  const reader = new MessageReader({
    maxMessageBytes: MAX_BYTES,
    message: (data) => log.push(typeof data === "string" ? data : Buffer.from(data)),
    other: (bytes) => reading.write(bytes),
  });
  for (const [index, piece] of pieces.entries()) {
    const start = index % 2;
    piece.copy(shared, start);
    reader.read(shared.subarray(start, start + piece.length));
    shared.fill(0xee);
  }
  await nextTurn();
  return log;
}

function split(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter(({ length }) => length > 0);
}

const oneByteAtATime = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte));

test.each([0, 1, 31, 32, 33, 125, 126, 127, 65_535, 65_536, 131_072, 131_073, MAX_BYTES])(
  "text and bytes of %i bytes arrive as they were sent, whole and in pieces",
  async (size) => {
    const text = "x".repeat(size);
    const bytes = Buffer.alloc(size, "0123456789");
    const sent = Buffer.concat([encode(frame(TEXT, text)), encode(frame(BINARY, bytes)), encode(frame(TEXT, "end"))]);
    for (const pieces of [[sent], split(sent, [3, 5, size, size + 9, 2 * size]), split(sent, [65_536, 131_072])]) {
      expect(await readByReader(pieces)).toEqual([text, bytes, "end"]);
    }
  },
);

test.each<[string, readonly Frame[], readonly unknown[]]>([
  ["text is UTF-8", [frame(TEXT, "添")], ["添"]],
  ["text that is not UTF-8 is an error", [frame(TEXT, Buffer.of(0xff)), frame(TEXT, "a")], ["WS_ERR_INVALID_UTF8"]],
  [
    "control frames between messages and fragments are read in their order",
    [
      frame(TEXT, "a"),
      frame(9, "1"),
      frame(TEXT, "b", { isFinal: false }),
      frame(10, "2"),
      frame(0, "c"),
      frame(TEXT, "d"),
    ],
    ["a", ["ping", "31"], ["pong", "32"], "bc", "d"],
  ],
  [
    "what follows a close frame is dropped",
    [frame(CLOSE, Buffer.of(3, 232)), frame(TEXT, "a"), frame(9, "")],
    [["close", 1000, ""]],
  ],
  ["a frame without a mask is an error", [frame(TEXT, "a", { mask: null })], ["WS_ERR_EXPECTED_MASK"]],
  ["a reserved bit is an error", [frame(TEXT, "a", { rsv: 4 })], ["WS_ERR_UNEXPECTED_RSV_1"]],
  ["a reserved opcode is an error", [frame(3, "a")], ["WS_ERR_INVALID_OPCODE"]],
  ["a continuation of nothing is an error", [frame(0, "a")], ["WS_ERR_INVALID_OPCODE"]],
  [
    "a message within a message is an error",
    [frame(TEXT, "a", { isFinal: false }), frame(TEXT, "b")],
    ["WS_ERR_INVALID_OPCODE"],
  ],
  ["a long control frame is an error", [frame(9, "a".repeat(126))], ["WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH"]],
  [
    "a message beyond the limit is an error",
    [frame(BINARY, Buffer.alloc(MAX_BYTES + 1))],
    ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH"],
  ],
])("%s", async (_title, frames, expected) => {
  const bytes = Buffer.concat(frames.map(encode));
  expect(await readByReader([bytes])).toEqual(expected);
  if (bytes.length < 1000) expect(await readByReader(oneByteAtATime(bytes))).toEqual(expected);
});

const bytesOfAnyLength = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 140 }) },
  {
    weight: 8,
    arbitrary: fc.string({ maxLength: 60, unit: "grapheme" }).map((text) => Uint8Array.from(Buffer.from(text))),
  },
  { weight: 1, arbitrary: fc.integer({ min: 65_500, max: 70_000 }).map((length) => new Uint8Array(length).fill(97)) },
);

/** Mostly valid. */
const frames: fc.Arbitrary<Frame> = fc.record({
  opcode: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(TEXT, BINARY) },
    { weight: 4, arbitrary: fc.constantFrom(0, 9, 10) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 15 }) },
  ),
  isFinal: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.boolean() }),
  rsv: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 7 }) }),
  mask: fc.oneof(
    { weight: 40, arbitrary: fc.uint8Array({ minLength: 4, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  content: bytesOfAnyLength,
});

test("any frames in any pieces are read as ws reads them", async () => {
  const anyFrames = fc.array(frames, { maxLength: 12 });
  const anyCuts = fc.array(fc.nat(200_000), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(anyFrames, anyCuts, async (sent, cuts) => {
      const pieces = split(Buffer.concat(sent.map(encode)), cuts);
      expect(await readByReader(pieces)).toEqual(await readByWs(pieces));
    }),
    { numRuns: 300 },
  );
});
