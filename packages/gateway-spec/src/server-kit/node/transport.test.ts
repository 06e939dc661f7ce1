import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { linger } from "./transport.ts";

const server = createServer({ allowHalfOpen: true });
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-"));
});
afterEach(async () => {
  vi.useRealTimers();
  server.close();
  await rm(folder, { recursive: true });
});

test("a lingering socket is destroyed after two seconds without a byte, and not for the time of a blocked event loop", async () => {
  // A Unix domain socket has the bytes as soon as they are written.
  const path = join(folder, "socket");
  server.listen(path);
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ path, allowHalfOpen: true });
  const [[socket]] = await Promise.all([accepted, once(client, "connect")]);
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  linger(socket.resume());
  // As timers do, what follows runs before the poll for I/O.
  await turn();
  for (let seconds = 0; seconds < 10; seconds += 2) {
    // The system has the byte, and the server has had no turn to read it.
    client.write("x");
    vi.advanceTimersByTime(2000);
    await turn();
    expect(socket.destroyed).toBe(false);
  }
  vi.advanceTimersByTime(2000);
  await turn();
  expect(socket.destroyed).toBe(true);
  client.on("error", () => undefined).destroy();
});
