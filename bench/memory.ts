/**
 * `node bench/memory.ts [--connections 10000] [--in-flight 50000] [--seconds 5] [--only name,…]`: the memory of a server for each idle
 * connection, each active one and each request in progress, and the growth of the heap over many requests.
 *
 * The heap is measured after garbage collections. The resident size is that of the system: it contains buffers of the engine and of
 * node, and rises in steps.
 */
import { readFileSync } from "node:fs";
import { connect, type ClientHttp2Session } from "node:http2";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openIdle } from "./lib/client.ts";
import { HttpConnection } from "./lib/http-connection.ts";
import { openSite, type Site } from "./lib/measure.ts";
import { ServerProcess } from "./lib/server-process.ts";
import { markdown, whole, withRule } from "./lib/table.ts";
import { BASELINE, LIMIT, type Peer, PEERS } from "./peers.ts";
import { type Transport, workload, WORKLOADS } from "./workloads.ts";

export interface Pace {
  /** Two sweeps of the socket server, after which idle connections have released their buffers. */
  readonly restMs: number;
  /** How long active connections have requests. */
  readonly activeMs: number;
}

const PACE: Pace = { restMs: 1500, activeMs: 5000 };
const WARM_UP_CONNECTIONS = 200;
/** Requests in progress on active connections. */
const AT_ONCE = 64;
const STREAMS = 100;
const MOST_HOLD_MS = 60_000;
const POLL_MS = 50;
/** One address has some 28,000 ports for connections to one port. */
const CONNECTIONS_FROM_ADDRESS = 20_000;
/** Descriptors that a process needs besides. */
const OTHER_DESCRIPTORS = 500;
/** The heap of a serving process varies. */
const TOLERATED_GROWTH_BYTES = 2 ** 20;

const get = (path: string, ...fields: readonly string[]) =>
  [`GET ${path} HTTP/1.1`, "Host: 127.0.0.1:8080", ...fields, "", ""].join("\r\n");

/** Releases the requests in progress and closes the connections. */
type Close = () => Promise<void> | void;

interface State {
  readonly name: string;
  readonly title: string;
  readonly transport: Transport;
  /** More would take minutes to open. */
  readonly most?: number;
  /** The connections that a number of units needs. */
  readonly connections: (units: number) => number;
  readonly open: (port: number, units: number, pace: Pace) => Promise<Close>;
  /** Whether the server rests and collects its garbage before its resident size is read. */
  readonly rests: boolean;
  readonly servers: readonly string[];
}

const SERVERS = ["tsgi socket", "tsgi node", BASELINE];

export const STATES: readonly State[] = [
  idleState("idle", "an idle connection, after one request", "tcp"),
  { ...idleState("idle-tls", "an idle connection over TLS, after one request", "tls"), most: 2000 },
  {
    name: "active",
    title: "an active connection: all take part in a load of 64 requests at a time",
    transport: "tcp",
    connections: each,
    open: active,
    rests: false,
    servers: SERVERS,
  },
  {
    name: "in-flight",
    title: "a request in progress, whose handler waits, each on a connection of its own",
    transport: "tcp",
    connections: each,
    open: inFlight,
    rests: true,
    servers: SERVERS,
  },
  {
    name: "in-flight-h2",
    title: `the same over HTTP/2, ${STREAMS} on a connection`,
    transport: "h2",
    connections: (units) => Math.ceil(units / STREAMS),
    open: inFlightHttp2,
    rests: true,
    servers: ["tsgi node", BASELINE],
  },
];

function each(units: number): number {
  return units;
}

function idleState(name: string, title: string, transport: Transport): State {
  const open = (port: number, units: number) => idle(port, units, transport);
  return { name, title, transport, connections: each, open, rests: true, servers: [LIMIT, ...SERVERS] };
}

async function idle(port: number, count: number, transport: Transport): Promise<Close> {
  const sockets = await openIdle(port, workload({ name: "", title: "", writes: [get("/")], transport }), count);
  return () => sockets.forEach((socket) => socket.destroy());
}

async function active(port: number, count: number, { activeMs }: Pace): Promise<Close> {
  const connections = await openMany(port, count);
  const end = performance.now() + activeMs;
  const clients = Math.min(AT_ONCE, count);
  const client = async (_value: unknown, index: number) => {
    const own = connections.filter((_connection, at) => at % clients === index);
    for (let n = 0; performance.now() < end; n += 1) {
      await own[n % own.length]?.exchange(get(`/?page=${n}`, `X-Request: ${n}`));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return () => connections.forEach(({ socket }) => socket.destroy());
}

async function inFlight(port: number, count: number): Promise<Close> {
  const connections = await openMany(port, count);
  const bodies = connections.map(async (connection) => (await connection.exchange(get("/hold"))).body);
  const other = await HttpConnection.open(port, false);
  const ask = async (path: string) => (await other.exchange(get(path))).body;
  await allHeld(count, ask);
  return async () => {
    await ask("/release");
    other.socket.destroy();
    await allReleased(bodies);
    for (const { socket } of connections) socket.destroy();
  };
}

async function inFlightHttp2(port: number, count: number): Promise<Close> {
  const sessions: ClientHttp2Session[] = [];
  const bodies: Promise<string>[] = [];
  const openSession = () => {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
    sessions.push(session);
    return session;
  };
  for (let left = count; left > 0; left -= STREAMS) {
    const session = openSession();
    const some = Array.from({ length: Math.min(STREAMS, left) }, () => text(session.request({ ":path": "/hold" })));
    bodies.push(...some);
  }
  const other = openSession();
  const ask = (path: string) => text(other.request({ ":path": path }));
  await allHeld(count, ask);
  return async () => {
    await ask("/release");
    await allReleased(bodies);
    for (const session of sessions) session.destroy();
  };
}

/** Fulfils when the handlers of all requests wait. */
async function allHeld(count: number, ask: (path: string) => Promise<string>): Promise<void> {
  const deadline = performance.now() + MOST_HOLD_MS;
  for (let holding = 0; holding < count;) {
    if (performance.now() > deadline) throw new Error(`only ${holding} of ${count} requests are in progress`);
    await delay(POLL_MS);
    holding = Number(await ask("/holding"));
  }
}

async function allReleased(bodies: readonly Promise<string>[]): Promise<void> {
  const others = (await Promise.all(bodies)).filter((body) => body !== "released");
  if (others.length > 0) throw new Error(`${others.length} requests in progress had another response: ${others[0]}`);
}

async function openMany(port: number, count: number): Promise<readonly HttpConnection[]> {
  const open: HttpConnection[] = [];
  for (let address = 1; open.length < count; address += 1) {
    const some = Math.min(CONNECTIONS_FROM_ADDRESS, count - open.length);
    const from = address === 1 ? {} : { from: `127.0.0.${address}` };
    open.push(...(await HttpConnection.openMany(some, port, { ...from, first: get("/") })));
  }
  return open;
}

export interface Memory {
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** @returns bytes for each of the units. */
export async function measureMemory(
  peer: Peer,
  state: State,
  units: number,
  { root, cores }: Site,
  pace: Pace = PACE,
): Promise<Memory> {
  const ofTransport = WORKLOADS.find(({ transport }) => transport === state.transport);
  if (ofTransport === undefined) throw new Error(`no workload over ${state.transport}`);
  const server = await ServerProcess.start(await peer.command(ofTransport, root), cores?.server ?? null);
  const { port } = server;
  try {
    // The first requests compile code and size the heap; they are not counted.
    await (
      await state.open(port, Math.min(WARM_UP_CONNECTIONS, units), pace)
    )();
    await delay(pace.restMs);
    const heapBefore = await server.heapBytes();
    const residentBefore = server.residentBytes();
    const close = await state.open(port, units, pace);
    if (state.rests) {
      await delay(pace.restMs);
      await server.collectGarbage();
    }
    const residentBytes = (server.residentBytes() - residentBefore) / units;
    const heapBytes = ((await server.heapBytes()) - heapBefore) / units;
    await close();
    return { heapBytes, residentBytes };
  } finally {
    await server.stop();
  }
}

/** Heads that differ in target, names and values: what a cache of the server would keep. */
const VARYING = workload({
  name: "varying",
  title: "",
  writes: Array.from({ length: 5000 }, (_, n) => {
    const id = String(n).padStart(4, "0");
    return get(`/items/${id}?from=bench`, `User-Agent: bench/${id}`, `X-Index-${id}: ${id}`);
  }),
});

/** @returns bytes by which the heap has grown after each of three loads, since the end of a first one, and their requests. */
export async function measureGrowth(peer: Peer, site: Site): Promise<readonly [growth: number[], requests: number]> {
  const { root, cores, seconds } = site;
  const generator = site.generatorFor(VARYING);
  const server = await ServerProcess.start(await peer.command(VARYING, root), cores?.server ?? null);
  const load = { port: server.port, workload: VARYING, seconds, core: cores?.load ?? null };
  try {
    await generator.run(load);
    const before = await server.heapBytes();
    const growth: number[] = [];
    let sent = 0;
    for (let part = 0; part < 3; part++) {
      sent += (await generator.run(load)).requests;
      growth.push((await server.heapBytes()) - before);
    }
    return [growth, sent];
  } finally {
    await server.stop();
  }
}

/** The limit of this process and of those that it starts. */
function mostConnections(): number {
  const limit = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  return Number(limit ?? Number.POSITIVE_INFINITY) - OTHER_DESCRIPTORS;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: "string", default: "10000" },
      "in-flight": { type: "string", default: "50000" },
      seconds: { type: "string", default: "5" },
      only: { type: "string" },
    },
  });
  const only = values.only?.split(",");
  const site = await openSite(Number(values.seconds));
  for (const state of STATES.filter(({ name }) => only?.includes(name) ?? true)) {
    const given = Number(state.name.startsWith("in-flight") ? values["in-flight"] : values.connections);
    const asked = Math.min(given, state.most ?? given);
    const units = state.connections(asked) > mostConnections() ? mostConnections() : asked;
    const rows: string[][] = [];
    for (const peer of PEERS.filter(({ name }) => state.servers.includes(name))) {
      const { heapBytes, residentBytes } = await measureMemory(peer, state, units, site);
      rows.push([peer.name, whole(heapBytes), whole(residentBytes)]);
    }
    const limited = units < asked ? `, as the limit of open files permits no ${whole(asked)}` : "";
    const header = ["", "bytes of heap", "bytes resident"];
    console.log(
      `\n### For ${state.title}\n\n${whole(units)} of them${limited}:\n\n${markdown(withRule(header, rows))}`,
    );
  }
  if (only?.includes("growth") ?? true) await reportGrowth(site);
}

async function reportGrowth(site: Site): Promise<void> {
  for (const peer of PEERS.filter(({ name }) => name === "tsgi socket")) {
    const [growth, requests] = await measureGrowth(peer, site);
    console.log(
      `\nGrowth of the heap of ${peer.name} after each third of ${whole(requests)} varying requests, in bytes: ${growth.map(whole).join("; ")}`,
    );
    if ((growth.at(-1) ?? 0) <= TOLERATED_GROWTH_BYTES) continue;
    console.error(`The heap grew by more than ${TOLERATED_GROWTH_BYTES} bytes`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await run();
