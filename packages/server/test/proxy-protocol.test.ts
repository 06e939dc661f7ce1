/** The PROXY protocol on both servers: by raw bytes, and behind the real HAProxy and nginx where the machine has them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { accessLog } from "@tsgi/gateway-spec/access-log";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { freePorts } from "../../framework/test/free-port.ts";
import { listen as listenNode } from "../src/node-http/listen.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { listen as listenSocket } from "../src/socket/listen.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, lastContent, WireClient } from "./wire-client.ts";

const LINE = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
/** The same in version 2, with an additional field. */
const BINARY = Buffer.concat([
  Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12", "latin1"),
  Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb, 0x02, 0, 3]),
  Buffer.from("a.b"),
]).toString("latin1");

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const pair = selfSigned();
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close({ idleMs: 0, timeoutMs: 0 })));
  vi.resetAllMocks();
});

const show: Handler = async (incoming, { remoteAddress, peerAddress }) => {
  let content = "";
  for await (const bytes of incoming.body ?? []) content += Buffer.from(bytes).toString();
  const peer = peerAddress?.transport === "tcp" ? peerAddress.hostname : "none";
  return {
    status: 200,
    body: `client ${remoteAddress?.transport === "tcp" ? remoteAddress.hostname : "none"} peer ${peer} ${content}`,
  };
};

describe.each([
  ["the socket server", listenSocket],
  ["the node server", listenNode],
])("%s", (_name, listen) => {
  async function start(options: SocketServeOptions = {}, handler: Handler = show) {
    const clock = new ManualClock();
    const proxies = { trusted: ["127.0.0.1"], proxyProtocol: true };
    const server = await listen(handler, { logger, proxies, ...options }, clock);
    servers.push(server);
    const open = () => {
      const client = new WireClient(server.address);
      sockets.push(client.socket);
      return client;
    };
    return { server, clock, open };
  }

  test.each([
    ["version 1", LINE, "client 192.0.2.7 peer 127.0.0.1"],
    ["version 2", BINARY, "client 192.0.2.7 peer 127.0.0.1"],
    ["version 1 without a client", "PROXY UNKNOWN\r\n", "client 127.0.0.1 peer 127.0.0.1"],
    ["version 2 of the proxy itself", "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "client 127.0.0.1 peer 127.0.0.1"],
  ])("%s: names the client of every request of a connection", async (_version, header, expected) => {
    const { open } = await start();
    const client = open().send(header + get("/") + get("/"));
    expect(lastContent(await client.until(expected, 2))).toContain(expected);
    client.send(get("/", "Connection: close"));
    await client.until(expected, 3);
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test.each([
    ["version 1", LINE],
    ["version 2", BINARY],
  ])("%s: may arrive in any pieces, with and without the first bytes of the request", async (_version, header) => {
    const { open } = await start();
    const bytes = `${header}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`;
    const cuts = [1, 5, header.length - 1, header.length, header.length + 1, header.length + 20, bytes.length - 2];
    await Promise.all(
      cuts.map(async (cut) => {
        const client = open().send(bytes.slice(0, cut));
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
        expect(lastContent(await client.send(bytes.slice(cut)).end()), `cut at ${cut}`).toContain(
          "192.0.2.7 peer 127.0.0.1 hello",
        );
      }),
    );
  });

  test("gets the response although the client closes its sending side behind the request", async () => {
    const { open } = await start({}, () => ({ status: 200, body: "short" }));
    const client = open().send(LINE + get("/"));
    client.socket.end();
    expect(await client.end()).toContain("short");
  });

  test.each([
    ["a request without a header", get("/"), /does not begin with a PROXY header/],
    ["a malformed line", `PROXY TCP4 nonsense\r\n${get("/")}`, /the PROXY line is malformed/],
    ["a second header in place of a request", LINE + LINE, /400/],
  ])("refuses %s, and logs it once", async (_what, bytes, message) => {
    const { open } = await start();
    const received = await open().send(bytes).end();
    if (message.source !== "400") expect(received).toBe("");
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(message));
  });

  test("refuses a peer that is no trusted proxy", async () => {
    const { open } = await start({ proxies: { trusted: ["192.0.2.0/24"], proxyProtocol: true } });
    expect(
      await open()
        .send(LINE + get("/"))
        .end(),
    ).toBe("");
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
      "Closed a connection from 127.0.0.1: only a trusted proxy may connect where the PROXY protocol is expected",
    );
  });

  test("needs the addresses of the proxies", async () => {
    await expect(start({ proxies: { trusted: 1, proxyProtocol: true } })).rejects.toThrow(
      "proxies.proxyProtocol needs the addresses of the proxies in proxies.trusted, not their number",
    );
  });

  test("logs nothing for a connection that closes without a byte", async () => {
    const { server, open } = await start();
    const client = open();
    await once(client.socket, "connect");
    client.socket.end();
    await client.end();
    await server.close();
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test("closes a connection whose header is not complete after headTimeoutMs", async () => {
    const { clock, open } = await start({ headTimeoutMs: 2000 });
    const client = open().send(LINE.slice(0, 10));
    // A second connection is served, so the first one has been accepted.
    await open()
      .send(LINE + get("/"))
      .until("client");
    clock.advance(2000);
    expect(client.socket.readyState).toBe("open");
    clock.advance(2000);
    expect(await client.end()).toBe("");
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
      "Closed a connection from 127.0.0.1: the PROXY header did not arrive in time",
    );
  });

  test("closes a connection without a complete header at the deadline of a shutdown", async () => {
    const { server, clock, open } = await start();
    const client = open().send(LINE.slice(0, 10));
    await open()
      .send(LINE + get("/"))
      .until("client");
    const closing = server.close({ timeoutMs: 500 });
    clock.advance(500);
    expect(await client.end()).toBe("");
    await closing;
  });

  test("gives the access log, the log of refusals and the limit for each client the address of the client", async () => {
    const lines: string[] = [];
    const logged = accessLog({ format: "json", write: (line) => void lines.push(line) })(show);
    const { open } = await start({ maxConnectionsPerClient: 1 }, logged);
    const first = open().send(LINE + get("/"));
    await first.until("client");
    expect(
      await open()
        .send(LINE + get("/"))
        .end(),
    ).toBe("");
    await open()
      .send(LINE.replace("192.0.2.7", "192.0.2.8") + get("/"))
      .until("192.0.2.8");
    await first.send("GET /\x01 HTTP/1.1\r\n\r\n").end();
    expect(lines.map((line) => (JSON.parse(line) as { readonly remote: string }).remote).toSorted()).toEqual([
      "192.0.2.7",
      "192.0.2.8",
    ]);
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining("Refused a request from 192.0.2.7 with 400"),
    );
  });

  test("reads the fields of a proxy that stands before the one of the PROXY protocol, where it is trusted", async () => {
    const seen = async (trusted: readonly string[]) => {
      const { open } = await start({ proxies: { trusted, proxyProtocol: true } });
      return lastContent(
        await open()
          .send(LINE + get("/", "X-Forwarded-For: 203.0.113.9", "Connection: close"))
          .end(),
      );
    };
    expect(await seen(["127.0.0.1", "192.0.2.7"])).toContain("client 203.0.113.9 peer 127.0.0.1");
    expect(await seen(["127.0.0.1"])).toContain("client 192.0.2.7 peer 127.0.0.1");
  });

  test.each([
    ["version 1", LINE],
    ["version 2", BINARY],
  ])("%s: comes before the handshake of TLS", async (_version, header) => {
    const { server } = await start({ tls: pair });
    const tcp = await tunnel(server, header);
    const client = new WireClient(server.address, connectTls({ socket: tcp, servername: "localhost", ca: pair.cert }));
    sockets.push(client.socket);
    expect(await client.send(get("/", "Connection: close")).end()).toContain("client 192.0.2.7 peer 127.0.0.1");
    expect(logger.warn).not.toHaveBeenCalled();
  });

  test("logs the client of a failed handshake", async () => {
    const { server, open } = await start({ tls: pair });
    await open().send(`${LINE}GET / HTTP/1.1\r\n\r\n`).end();
    await vi.waitFor(() => {
      expect(logger.warn).toHaveBeenCalledExactlyOnceWith(
        expect.stringContaining("Refused a TLS connection from 192.0.2.7"),
      );
    }, 30_000);
    await server.close();
  });

  test("closes a connection of TLS without a header", async () => {
    const { server } = await start({ tls: pair });
    const tcp = await tunnel(server, "");
    const client = connectTls({ socket: tcp, servername: "localhost", ca: pair.cert });
    await expect(once(client, "secureConnect")).rejects.toThrow(/disconnected|reset/);
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("does not begin with a PROXY header"));
  });

  const haproxy = spawnSync("haproxy", ["-v"], { env: environment() }).status === 0;
  test.runIf(haproxy).each([
    ["send-proxy", {}],
    ["send-proxy-v2", {}],
    ["send-proxy", { tls: pair }],
    ["send-proxy-v2-ssl-cn", { tls: pair }],
  ] as const)("serves the clients of HAProxy with %s and %o", async (word, options) => {
    const { server } = await start(options);
    const [port = 0] = await freePorts(1);
    const config = `
defaults
  mode tcp
  timeout connect 60s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:${port}
  source 127.0.0.1
  server one ${new URL(server.url).host} ${word}
`;
    await run("haproxy", "haproxy.cfg", config, (path) => ["-f", path], port);
    // HAProxy's own address and the client's differ.
    expect(await fetchFrom("127.0.0.9", port, "tls" in options)).toContain("client 127.0.0.9 peer 127.0.0.1");
    expect(logger.warn).not.toHaveBeenCalled();
  });

  const MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
  test.runIf(existsSync(MODULE)).each([
    ["plain text", {}],
    ["TLS", { tls: pair }],
  ] as const)("serves the clients of nginx with proxy_protocol, over %s", async (_transport, options) => {
    const { server } = await start(options);
    const [port = 0] = await freePorts(1);
    const config = `load_module ${MODULE};
events {}
stream { server { listen 127.0.0.1:${port}; proxy_pass ${new URL(server.url).host}; proxy_protocol on; } }`;
    const args = (path: string, folder: string) => [
      "-e",
      "stderr",
      "-p",
      folder,
      "-c",
      path,
      "-g",
      `daemon off; pid ${folder}/pid;`,
    ];
    await run("nginx", "nginx.conf", config, args, port);
    expect(await fetchFrom("127.0.0.9", port, "tls" in options)).toContain("client 127.0.0.9 peer 127.0.0.1");
    expect(logger.warn).not.toHaveBeenCalled();
  });
});

test("a stream of HTTP/2 has the client that the PROXY header names", async () => {
  const proxies = { trusted: ["127.0.0.1"], proxyProtocol: true };
  const server = await listenNode(show, { logger, proxies, tls: pair }, new ManualClock());
  servers.push(server);
  const tcp = await tunnel(server, BINARY);
  const session = connectHttp2("https://localhost", {
    createConnection: () => connectTls({ socket: tcp, servername: "localhost", ca: pair.cert, ALPNProtocols: ["h2"] }),
  });
  const stream = session.request({ ":path": "/" });
  let content = "";
  for await (const bytes of stream) content += String(bytes);
  expect(content).toContain("client 192.0.2.7 peer 127.0.0.1");
  session.destroy();
});

test("a proxy on a Unix domain socket is trusted by the word unix", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-proxy-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const listen of [listenSocket, listenNode]) {
    const proxies = { trusted: ["unix"], proxyProtocol: true };
    // oxlint-disable-next-line no-await-in-loop -- one path
    const server = await listen(show, { logger, proxies, path: join(folder, "socket") }, new ManualClock());
    const client = new WireClient(server.address).send(LINE + get("/", "Connection: close"));
    // oxlint-disable-next-line no-await-in-loop -- one path
    expect(await client.end()).toContain("client 192.0.2.7 peer none");
    // oxlint-disable-next-line no-await-in-loop -- one path
    await server.close();
  }
});

/** A connection that has sent its header. */
async function tunnel(server: Server, header: string): Promise<Socket> {
  if (server.address.transport !== "tcp") throw new Error("no port");
  const tcp = connect(server.address.port, server.address.hostname);
  sockets.push(tcp);
  await once(tcp, "connect");
  if (header !== "") tcp.write(header, "latin1");
  return tcp;
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };
}

/** Runs a proxy until the end of the test. Resolves when it listens. */
async function run(
  program: string,
  name: string,
  config: string,
  args: (path: string, folder: string) => readonly string[],
  port: number,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tsgi-proxy-"));
  const path = join(folder, name);
  await writeFile(path, config);
  const proxy: ChildProcess = spawn(program, args(path, folder), {
    env: environment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  proxy.stderr?.on("data", (bytes) => (errors += String(bytes)));
  onTestFinished(async () => {
    if (proxy.exitCode === null && proxy.signalCode === null) {
      const ended = once(proxy, "exit");
      proxy.kill("SIGTERM");
      await ended;
    }
    await rm(folder, { recursive: true });
  });
  await vi.waitFor(
    async () => {
      if (proxy.exitCode !== null) throw new Error(`${program} ended with ${proxy.exitCode}: ${errors}`);
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
    },
    { timeout: 60_000, interval: 20 },
  );
}

/** The content of a response to a client with this address of the loopback network. */
async function fetchFrom(localAddress: string, port: number, secure: boolean): Promise<string> {
  if (!secure) {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    sockets.push(socket);
    const client = new WireClient({ transport: "tcp", hostname: "127.0.0.1", port }, socket);
    return client.send(get("/", "Connection: close")).end();
  }
  const req = request({ port, host: "127.0.0.1", localAddress, servername: "localhost", ca: pair.cert, agent: false });
  req.end();
  const [response] = (await once(req, "response")) as [AsyncIterable<Buffer>];
  let content = "";
  for await (const bytes of response) content += bytes.toString();
  return content;
}
