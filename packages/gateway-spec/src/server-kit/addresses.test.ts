import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boundAddress, localAddress, peerAddress, serverUrl, tcpAddress } from "./addresses.ts";

test.each([
  ["127.0.0.1", 80, { transport: "tcp", hostname: "127.0.0.1", port: 80 }],
  ["::ffff:127.0.0.1", 80, { transport: "tcp", hostname: "127.0.0.1", port: 80 }],
  ["::1", 80, { transport: "tcp", hostname: "::1", port: 80 }],
  [undefined, 80, null],
  ["127.0.0.1", undefined, null],
])("the address of %s and %s", (hostname, port, address) => {
  expect(tcpAddress(hostname, port)).toEqual(address);
});

test("the ends of a connection over a Unix domain socket: the path of the server, none of the client", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-"));
  const path = join(folder, "socket");
  const listener = createServer().listen(path);
  await once(listener, "listening");
  const client = connect(path);
  const [socket] = (await once(listener, "connection")) as [Socket];
  try {
    const unix = { transport: "unix", path };
    expect([boundAddress(listener), localAddress(socket), peerAddress(socket)]).toEqual([unix, unix, null]);
    listener.close();
    expect(localAddress(socket)).toEqual(unix);
  } finally {
    client.destroy();
    socket.destroy();
    await rm(folder, { recursive: true });
  }
});

test("an inherited Unix domain socket, whose path node does not know, has an empty one", () => {
  expect(boundAddress({ address: () => null })).toEqual({ transport: "unix", path: "" });
});

test.each([
  [{ transport: "tcp", hostname: "127.0.0.1", port: 80 }, "http://127.0.0.1:80/"],
  [{ transport: "tcp", hostname: "0.0.0.0", port: 80 }, "http://localhost:80/"],
  [{ transport: "tcp", hostname: "::", port: 80 }, "http://localhost:80/"],
  [{ transport: "tcp", hostname: "::1", port: 80 }, "http://[::1]:80/"],
  [{ transport: "unix", path: "/run/a b" }, "http+unix://%2Frun%2Fa%20b/"],
] as const)("the URL of %o", (address, url) => {
  expect(serverUrl("http", address)).toBe(url);
});
