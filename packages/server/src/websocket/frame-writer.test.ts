import { PassThrough, type Writable } from "node:stream";
import { expect, test } from "vitest";
import * as ws from "ws";
import { FrameWriter } from "./frame-writer.ts";

// The types of ws leave it out.
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => Writable };

/** What the receiver of ws reads from the written frames. */
async function readBack(write: (writer: FrameWriter) => void): Promise<readonly (string | Buffer)[]> {
  const connection = new PassThrough();
  const received: (string | Buffer)[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    received.push(isBinary ? data : data.toString());
  });
  write(new FrameWriter(connection));
  connection.end();
  for await (const bytes of connection) receiver.write(bytes);
  return received;
}

test.each([0, 1, 125, 126, 4096, 4097, 65_535, 65_536, 70_000])(
  "a receiver reads text and bytes of %i bytes as they were written",
  async (size) => {
    const text = "x".repeat(size);
    const bytes = Buffer.alloc(size, 255);
    const received = await readBack((writer) => {
      writer.write(text);
      writer.write(bytes);
    });
    expect(received).toEqual([text, bytes]);
  },
);

test("text is UTF-8, and a view is only its part of the buffer", async () => {
  const buffer = Uint8Array.of(1, 2, 3, 4).buffer;
  const received = await readBack((writer) => {
    writer.write("添");
    writer.write(new Uint8Array(buffer, 1, 2));
    writer.write(new DataView(buffer, 3));
    writer.write(buffer);
  });
  expect(received).toEqual(["添", Buffer.of(2, 3), Buffer.of(4), Buffer.of(1, 2, 3, 4)]);
});

test("the messages of one turn leave together, and each callback runs", async () => {
  const connection = new PassThrough();
  const writer = new FrameWriter(connection);
  const written: string[] = [];
  writer.write("one", () => void written.push("one"));
  writer.write("two", () => void written.push("two"));
  expect(connection.readableLength).toBe(0);
  await new Promise((resolve) => process.nextTick(resolve));
  expect(connection.readableLength).toBe(2 * (2 + 3));
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual(["one", "two"]);
});

test("a text that several connections send in one turn is encoded once, and again in the next turn", async () => {
  const sent: Buffer[] = [];
  const writers = [1, 2].map(() => new FrameWriter(new PassThrough().on("data", (bytes: Buffer) => sent.push(bytes))));
  const sendToAll = async (text: string) => {
    for (const writer of writers) writer.write(text);
    await new Promise((resolve) => setImmediate(resolve));
    return sent.splice(0);
  };
  const [first, second] = await sendToAll("one");
  expect(first).toEqual(Buffer.from("\x81\x03one", "latin1"));
  expect(second).toBe(first);
  const [again] = await sendToAll("one");
  expect(again).toEqual(first);
  expect(again).not.toBe(first);
  expect(await sendToAll("two")).toEqual([1, 2].map(() => Buffer.from("\x81\x03two", "latin1")));
});
