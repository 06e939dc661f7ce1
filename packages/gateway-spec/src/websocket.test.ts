import { describe, expect, test } from "vitest";
import { messages, send } from "./websocket.ts";

/** The part of a socket that the helpers use. */
class FakeSocket extends EventTarget {
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: unknown[] = [];
  closed: unknown[] | null = null;

  send(data: unknown): void {
    this.sent.push(data);
  }
  close(...reason: unknown[]): void {
    this.closed = reason;
  }
  receive(...all: string[]): void {
    for (const data of all) this.dispatchEvent(new MessageEvent("message", { data }));
  }
  end(): void {
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }
}

/** A socket with the members of our servers' sockets. */
class FakePacedSocket extends FakeSocket {
  readonly calls: string[] = [];
  readonly unsent: ((error?: Error) => void)[] = [];

  pause(): void {
    this.calls.push("pause");
  }
  resume(): void {
    this.calls.push("resume");
  }
  override send(data: unknown, sent?: (error?: Error) => void): void {
    super.send(data);
    if (sent !== undefined) this.unsent.push(sent);
  }
}

const asSocket = (socket: FakeSocket): WebSocket => socket as unknown as WebSocket;

describe("messages", () => {
  test("are read in order, before or after a reader waits, and until the last before the close", async () => {
    const socket = new FakeSocket();
    const received = messages(asSocket(socket));
    const first = [received.next(), received.next()];
    socket.receive("one", "two", "three", "four");
    socket.end();
    expect((await Promise.all(first)).map(({ value }) => value)).toEqual(["one", "two"]);
    const rest: unknown[] = [];
    for await (const message of received) rest.push(message);
    expect(rest).toEqual(["three", "four"]);
  });

  test("end when the socket closes, and at once for a socket that has closed", async () => {
    const socket = new FakeSocket();
    const waiting = messages(asSocket(socket)).next();
    socket.end();
    expect((await waiting).done).toBe(true);
    expect((await messages(asSocket(socket)).next()).done).toBe(true);
  });

  test("pause the socket when maxWaiting messages wait, and resume it when all are read", async () => {
    const socket = new FakePacedSocket();
    const received = messages(asSocket(socket), { maxWaiting: 2 });
    socket.receive("one");
    expect(socket.calls).toEqual([]);
    socket.receive("two", "three");
    expect(socket.calls).toEqual(["pause"]);
    await received.next();
    await received.next();
    expect(socket.calls).toEqual(["pause"]);
    expect((await received.next()).value).toBe("three");
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  test.each<[string, unknown]>([
    ["text", "x".repeat(64 * 1024)],
    ["bytes", new ArrayBuffer(64 * 1024)],
    ["a blob", new Blob(["x".repeat(64 * 1024)])],
  ])("pause the socket when 64 KiB of %s wait", async (_kind, data) => {
    const socket = new FakePacedSocket();
    const received = messages(asSocket(socket));
    socket.dispatchEvent(new MessageEvent("message", { data: "" }));
    expect(socket.calls).toEqual([]);
    socket.dispatchEvent(new MessageEvent("message", { data }));
    expect(socket.calls).toEqual(["pause"]);
    await received.next();
    await received.next();
    socket.dispatchEvent(new MessageEvent("message", { data: "" }));
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  test("close the socket when the loop is left", async () => {
    const socket = new FakeSocket();
    queueMicrotask(() => {
      socket.receive("one", "two");
    });
    for await (const message of messages(asSocket(socket))) {
      expect(message).toBe("one");
      break;
    }
    expect(socket.closed).toEqual([]);
  });
});

describe("send", () => {
  test("fulfils when the socket reports that the message was sent", async () => {
    const socket = new FakePacedSocket();
    let done = false;
    const sending = send(asSocket(socket), "hello").then(() => (done = true));
    await Promise.resolve();
    expect([socket.sent, done]).toEqual([["hello"], false]);
    socket.unsent[0]?.();
    await sending;
  });

  test("rejects with the error that prevented the message from being sent", async () => {
    const socket = new FakePacedSocket();
    const sending = send(asSocket(socket), "hello");
    socket.unsent[0]?.(new Error("gone"));
    await expect(sending).rejects.toThrow("gone");
  });

  test("waits until the buffer of a socket without a callback is empty", async () => {
    const socket = new FakeSocket();
    socket.bufferedAmount = 5;
    const sending = send(asSocket(socket), "hello");
    socket.bufferedAmount = 0;
    await sending;
    expect(socket.sent).toEqual(["hello"]);
  });

  test.each([0, 2, 3])("rejects in the readyState %i", async (readyState) => {
    const socket = new FakeSocket();
    socket.readyState = readyState;
    await expect(send(asSocket(socket), "hello")).rejects.toMatchObject({ name: "InvalidStateError" });
    expect(socket.sent).toEqual([]);
  });
});
