/**
 * Measures the memory of a server: bytes for each idle connection, and growth over a million requests.
 *
 *     node bench/memory.ts [idle connections] [requests]
 *
 * Each server runs in a separate process; this process is its client. The heap is measured after a garbage collection. The resident
 * size is that of the system, so it includes buffers of the engine and of node, and rises in steps.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer as createNetServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";
import type { Handler } from "@tsgi/gateway-spec";
import { serve, type SocketServeOptions } from "@tsgi/server/socket";

const KEEP_ALIVE_MS = 600_000;
const OPENING_AT_ONCE = 200;
const PIPELINED = 64;
const BUSY_CONNECTIONS = 32;
/** Two sweeps of the socket server, after which idle connections have released their buffers. */
const REST_MS = 1500;
const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
/** The heap of a serving process varies. */
const TOLERATED_GROWTH_BYTES = 1024 * 1024;

const hello: RequestListener = (_request, response) => response.end("hello");
const handler: Handler = () => ({ status: 200, body: "hello" });

const SERVERS = {
  "node:net, a constant": () => {
    const server = createNetServer({ noDelay: true }, (socket) => {
      socket.on("data", () => socket.write(RESPONSE));
      socket.on("error", () => undefined);
    });
    return listening(server);
  },
  "node:http": () => listening(createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS }, hello)),
  "tsgi socket": () => serving({}),
  "node:https": () => listening(createHttpsServer({ keepAliveTimeout: KEEP_ALIVE_MS, ...certificate() }, hello)),
  "tsgi socket over TLS": () => serving({ tls: certificate() }),
} as const;

type ServerName = keyof typeof SERVERS;

/** The servers over TLS, and the server that they are compared with. */
const TLS_BASELINE = "node:https";
const OVER_TLS: ReadonlySet<ServerName> = new Set([TLS_BASELINE, "tsgi socket over TLS"]);

interface Memory {
  readonly heapBytes: number;
  readonly residentBytes: number;
}

interface ServerProcess {
  readonly port: number;
  readonly memory: () => Promise<Memory>;
  readonly stop: () => void;
}

const [role, name] = process.argv.slice(2);
if (role === "--serve") await runServer(name as ServerName);
else await measure(Number(role ?? 10_000), Number(name ?? 1_000_000));

async function measure(idleConnections: number, requests: number): Promise<void> {
  const names = Object.keys(SERVERS) as ServerName[];
  console.log(
    `bytes for each of ${idleConnections} idle connections, after one request each (× node:http, × node:https)`,
  );
  const idle = new Map<ServerName, Memory>();
  for (const server of names) idle.set(server, await idleMemory(server, idleConnections));
  for (const [server, { heapBytes, residentBytes }] of idle) {
    const node = idle.get(OVER_TLS.has(server) ? TLS_BASELINE : "node:http");
    const ratios = [heapBytes / (node?.heapBytes ?? 0), residentBytes / (node?.residentBytes ?? 0)].map((r) =>
      r.toFixed(2),
    );
    console.log(
      `  ${server.padEnd(22)} heap ${round(heapBytes)} (${ratios[0]})  resident ${round(residentBytes)} (${ratios[1]})`,
    );
  }
  console.log(`heap after ${requests} requests, compared with the heap after the first tenth`);
  const growth = await heapGrowth("tsgi socket", requests);
  console.log(`  ${"tsgi socket".padEnd(22)} ${growth.map((bytes) => `${round(bytes)}`).join(" ")} bytes`);
  if ((growth.at(-1) ?? 0) > TOLERATED_GROWTH_BYTES) {
    console.error(`The heap grew by more than ${TOLERATED_GROWTH_BYTES} bytes`);
    process.exitCode = 1;
  }
}

async function idleMemory(server: ServerName, count: number): Promise<Memory> {
  const { port, memory, stop } = await startServer(server);
  // The first requests compile code and size the heap; they are not counted.
  const tls = OVER_TLS.has(server);
  closeAll(await openIdle(port, OPENING_AT_ONCE, tls));
  await delay(REST_MS);
  const before = await memory();
  const sockets = await openIdle(port, count, tls);
  await delay(REST_MS);
  const after = await memory();
  closeAll(sockets);
  stop();
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / count,
    residentBytes: (after.residentBytes - before.residentBytes) / count,
  };
}

async function openIdle(port: number, count: number, tls: boolean): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(OPENING_AT_ONCE, count - sockets.length) }, () =>
      connect(port, "127.0.0.1"),
    );
    await Promise.all(
      some.map(async (tcp, i) => {
        const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
        socket.write(request(sockets.length + i));
        await once(socket, "data");
      }),
    );
    sockets.push(...some);
  }
  return sockets;
}

async function heapGrowth(server: ServerName, requests: number): Promise<number[]> {
  const { port, memory, stop } = await startServer(server);
  await load(port, requests / 10);
  const { heapBytes } = await memory();
  const growth: number[] = [];
  for (let part = 0; part < 3; part++) {
    await load(port, requests / 3);
    growth.push((await memory()).heapBytes - heapBytes);
  }
  stop();
  return growth;
}

/** Sends requests with varying targets and fields on many connections. */
async function load(port: number, requests: number): Promise<void> {
  const rounds = Math.ceil(requests / PIPELINED / BUSY_CONNECTIONS);
  await Promise.all(
    Array.from({ length: BUSY_CONNECTIONS }, async (_, connection) => {
      const socket = connect(port, "127.0.0.1");
      let responses = 0;
      let sent = 0;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const send = () => {
        if (sent === rounds * PIPELINED) resolve();
        else for (let end = sent + PIPELINED; sent < end; sent++) socket.write(request(connection * 1e6 + sent));
      };
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("The server closed the connection")));
      socket.on("data", (bytes) => {
        for (let at = bytes.indexOf("hello"); at !== -1; at = bytes.indexOf("hello", at + 5)) responses++;
        if (responses >= sent) send();
      });
      socket.cork();
      send();
      socket.uncork();
      await promise;
      socket.destroy();
    }),
  );
}

function request(index: number): string {
  return `GET /items/${index}?from=bench HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench/${index % 1000}\r\nAccept: */*\r\nX-Index-${index % 5000}: ${index}\r\n\r\n`;
}

async function startServer(server: ServerName): Promise<ServerProcess> {
  const child = spawn(process.execPath, ["--expose-gc", fileURLToPath(import.meta.url), "--serve", server], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  return {
    port,
    memory: async () => {
      child.stdin.write("memory\n");
      return JSON.parse((await lines.next()).value as string) as Memory;
    },
    stop: () => {
      child.stdin.end();
    },
  };
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

async function serving(options: SocketServeOptions): Promise<number> {
  const { address } = await serve(handler, { keepAliveTimeoutMs: KEEP_ALIVE_MS, ...options });
  return address.transport === "tcp" ? address.port : 0;
}

function certificate() {
  const pem = readFileSync(new URL("servers/certificate.pem", import.meta.url), "utf8");
  return { cert: pem, key: pem };
}

async function runServer(server: ServerName): Promise<void> {
  console.log(await SERVERS[server]());
  process.stdin.on("end", () => process.exit());
  createInterface({ input: process.stdin }).on("line", () => void report());
}

async function report(): Promise<void> {
  // A second collection frees what the first has released.
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    await delay(20);
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  console.log(JSON.stringify({ heapBytes: heapUsed + arrayBuffers, residentBytes: rss } satisfies Memory));
}

function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.resetAndDestroy();
}

function round(bytes: number): number {
  return Math.round(bytes);
}
