import { expect, test, vi } from "vitest";
import { BunUpgrade } from "./websocket.ts";
import type { BunSocket } from "./bun.ts";

test("messages that wait for the client fail when the socket closes", () => {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const handshake = { key: "", protocols: [] };
  const upgrade = new BunUpgrade({ handshake, url: "http://localhost/", options: {}, logger });
  // What the transport uses; -1 stands for a message that waits.
  const socket = { readyState: 1, getBufferedAmount: () => 0, send: vi.fn(() => -1) };
  upgrade.opening(socket as unknown as BunSocket<unknown>);
  upgrade.open();
  const [first, second] = [vi.fn(), vi.fn()];
  const { send } = upgrade.socket as unknown as { readonly send: (data: string, sent: () => void) => void };
  send.call(upgrade.socket, "a", first);
  upgrade.drained();
  send.call(upgrade.socket, "b", second);
  expect([first.mock.calls, second.mock.calls]).toEqual([[[]], []]);
  upgrade.closed(1006, "");
  expect(first).toHaveBeenCalledOnce();
  expect(second.mock.calls).toEqual([[expect.objectContaining({ name: "InvalidStateError" })]]);
});
