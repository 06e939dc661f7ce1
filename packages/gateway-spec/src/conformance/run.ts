/** Runs cases against a server. */
import { randomBytes } from "node:crypto";
import type { Logger, Serve, Server } from "../index.ts";
import { createConformanceApplication } from "./application.ts";
import {
  type Capability,
  type ConformanceCase,
  type ExchangeCase,
  protocolsOf,
  type ServerCase,
  type ServerCaseContext,
} from "./case.ts";
import { type Client, Connections, createCaseContext, type Endpoint, endpointOf } from "./case-context.ts";
import { ConformanceError, Waits } from "./expect.ts";
import { Http1Wire } from "./http1-wire.ts";
import { Http2Wire } from "./http2-wire.ts";
import { LocalProbe } from "./probe.ts";
import { HANDSHAKE } from "./websocket-wire.ts";
import type { Protocol, Wire } from "./wire.ts";

/** The server under test: its `serve`, or the address at which it runs the kit's application. */
export type ConformanceTarget = { readonly serve: Serve } | Endpoint;

/** How a case ended. */
export type CaseOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly reason: string }
  /** A `ConformanceError`, or what the functions of the server threw. */
  | { readonly kind: "failed"; readonly error: unknown };

/** A case over one protocol. */
export interface CaseRun {
  readonly case: ConformanceCase;
  readonly protocol: Protocol;
}

/** A case and its outcome over one protocol. */
export interface CaseResult extends CaseRun {
  readonly outcome: CaseOutcome;
}

/** The default deadline of each wait of a case. */
const DEADLINE_MS = 5000;

/** How long the kit waits for a server to close after a case, before it runs the next one. */
const CLEAN_UP_MS = 5000;

/** Short, because no client waits when a case is over. */
const SHUTDOWN_TIMEOUT_MS = 500;

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface RunOptions {
  /** Called when a case has waited for a second, with what it waits for. */
  readonly onWait?: (run: CaseRun, what: string) => void;
}

/** The name of a case for people, which says that it runs over HTTP/2: `request-url (h2)`. */
export function labelOf({ case: { name }, protocol }: CaseRun): string {
  return protocol === "h2" ? `${name} (h2)` : name;
}

/** The cases over those of the protocols over which they have a meaning, in the order of the cases. */
export function runsOf(cases: readonly ConformanceCase[], protocols: readonly Protocol[]): readonly CaseRun[] {
  return cases.flatMap((one) =>
    protocolsOf(one).flatMap((protocol) => (protocols.includes(protocol) ? [{ case: one, protocol }] : [])),
  );
}

/**
 * Runs the cases one after the other, in their order, over HTTP/1.1, and over HTTP/2 too if the server selects it by ALPN.
 * @throws what {@link checkTarget} throws.
 */
export async function* runConformance(
  target: ConformanceTarget,
  cases: readonly ConformanceCase[],
  options?: RunOptions,
): AsyncGenerator<CaseResult, void, undefined> {
  const protocols = await checkTarget(target);
  for (const run of runsOf(cases, protocols)) {
    yield { ...run, outcome: await runCase(run.case, target, { ...options, protocol: run.protocol }) };
  }
}

/**
 * Runs one case over one protocol. Never rejects.
 * @param options `protocol` is one over which the case has a meaning. Default: the first one.
 */
export async function runCase(
  one: ConformanceCase,
  target: ConformanceTarget,
  { onWait, protocol = protocolsOf(one)[0] ?? "http/1.1" }: RunOptions & { readonly protocol?: Protocol } = {},
): Promise<CaseOutcome> {
  const run = { case: one, protocol };
  const waits = new Waits(one.deadlineMs ?? DEADLINE_MS, (what) => onWait?.(run, what));
  try {
    if (one.kind === "server") {
      return "serve" in target
        ? await runServerCase(one, protocol, target.serve, waits)
        : { kind: "skipped", reason: "it starts and closes servers: use --serve <module>" };
    }
    return "serve" in target
      ? await runServed(one, protocol, target.serve, waits)
      : await runExchangeCase(one, protocol, target, `/${one.name}/${newRun()}`, null, waits);
  } catch (error) {
    return { kind: "failed", error };
  }
}

/**
 * Checks that the kit can connect to the server, so that a server that is not there is one fault and not one a case.
 * @returns the protocols that the server speaks.
 * @throws ConformanceError that names the fault, or what `serve` threw.
 */
export async function checkTarget(target: ConformanceTarget): Promise<readonly Protocol[]> {
  const waits = new Waits(DEADLINE_MS);
  const connections = new Connections(waits);
  const servers = "serve" in target ? new Servers(target.serve) : null;
  try {
    if (servers !== null) {
      const server = await waits.within(servers.start(createConformanceApplication([])), "serve() to return a server");
      const endpoint = endpointOf(server);
      await connections.open(Http1Wire, endpoint, "");
      return await spoken(endpoint, connections);
    }
    const endpoint = target as Endpoint;
    const { status } = await connections.fetch(Http1Wire, endpoint, "", { target: CAPABILITIES_PATH });
    if (status !== 200) {
      throw new ConformanceError(
        `the server does not run conformanceApplication of "@tsgi/gateway-spec/conformance": GET ${CAPABILITIES_PATH} has the status ${status}`,
      );
    }
    return await spoken(endpoint, connections);
  } finally {
    connections.close();
    await servers?.close();
  }
}

/** A client chooses HTTP/2 by ALPN, which is a part of TLS (RFC 9113 §3.2). */
async function spoken(endpoint: Endpoint, connections: Connections): Promise<readonly Protocol[]> {
  if (endpoint.tls !== true) return ["http/1.1"];
  try {
    await connections.open(Http2Wire, endpoint, "");
    return ["http/1.1", "h2"];
  } catch {
    // RFC 7301 §3.2: a server without a protocol in common ends the handshake.
    return ["http/1.1"];
  }
}

/** A server for this case alone, with the probe in this process. */
async function runServed(one: ExchangeCase, protocol: Protocol, serve: Serve, waits: Waits): Promise<CaseOutcome> {
  const probe = new LocalProbe();
  const run = newRun();
  const application = createConformanceApplication([{ ...one, handler: () => one.handler(probe) }]);
  const servers = new Servers(serve);
  try {
    const server = await servers.start(application);
    return await runExchangeCase(one, protocol, endpointOf(server), `/${one.name}/${run}`, probe, waits);
  } finally {
    await servers.close();
  }
}

async function runExchangeCase(
  one: ExchangeCase,
  protocol: Protocol,
  endpoint: Endpoint,
  base: string,
  probe: LocalProbe | null,
  waits: Waits,
): Promise<CaseOutcome> {
  const lacking = await lacks(one.requires, protocol, endpoint);
  if (lacking !== null) return lacking;
  const connections = new Connections(waits);
  const contextOf = <W extends Wire>(client: Client<W>) =>
    createCaseContext(client, endpoint, base, connections, waits, probe);
  try {
    if (one.http2 === undefined) await one.run(contextOf(Http1Wire));
    else if (one.http2 === "only") await one.run(contextOf(Http2Wire));
    else await one.run(contextOf(clientOf(protocol)));
    return { kind: "passed" };
  } finally {
    connections.close();
  }
}

async function runServerCase(one: ServerCase, protocol: Protocol, serve: Serve, waits: Waits): Promise<CaseOutcome> {
  const servers = new Servers(serve);
  const connections = new Connections(waits);
  const probe = new LocalProbe();
  const contextOf = <W extends Wire>(client: Client<W>): ServerCaseContext<W> => ({
    protocol,
    serve: servers.start,
    probe: {
      record: (text) => {
        probe.record(text);
      },
      released: (release) => probe.released(release),
      release: (release) => probe.release(release),
      records: () => probe.records(),
      recorded: (text) => waits.within(probe.recorded(text), `the application to record "${text}"`),
    },
    connect: (server) => connections.open(client, endpointOf(server), ""),
    within: (promise, what) => waits.within(promise, what),
  });
  try {
    if (one.requires !== undefined || protocol === "h2") {
      const endpoint = endpointOf(await servers.start(createConformanceApplication([])));
      const lacking = await lacks(one.requires, protocol, endpoint);
      if (lacking !== null) return lacking;
    }
    if (one.http2 === undefined) await one.run(contextOf(Http1Wire));
    else if (one.http2 === "only") await one.run(contextOf(Http2Wire));
    else await one.run(contextOf(clientOf(protocol)));
    return { kind: "passed" };
  } finally {
    connections.close();
    await servers.close();
  }
}

function clientOf(protocol: Protocol): Client<Wire> {
  return protocol === "h2" ? Http2Wire : Http1Wire;
}

/** The servers of one case. */
class Servers {
  readonly #running: Server[] = [];
  readonly start: Serve;

  constructor(serve: Serve) {
    this.start = async (application, options) => {
      const server = await serve(application, {
        hostname: "127.0.0.1",
        port: 0,
        shutdownTimeoutMs: SHUTDOWN_TIMEOUT_MS,
        logger: QUIET,
        ...options,
      });
      this.#running.push(server);
      return server;
    };
  }

  async close(): Promise<void> {
    // The cases of shutdown check how a server closes.
    const closed = Promise.allSettled(this.#running.map(async (server) => server.close()));
    await new Waits(CLEAN_UP_MS).within(closed, "the server to close").catch(() => undefined);
  }
}

/** A skip if the server lacks the protocol or the capability. */
async function lacks(
  capability: Capability | undefined,
  protocol: Protocol,
  endpoint: Endpoint,
): Promise<CaseOutcome | null> {
  if (capability === undefined && protocol === "http/1.1") return null;
  const connections = new Connections(new Waits(DEADLINE_MS));
  try {
    if (protocol === "h2" && !(await spoken(endpoint, connections)).includes("h2"))
      return { kind: "skipped", reason: "the server does not select HTTP/2 by ALPN" };
    if (capability === undefined) return null;
    const wire = await connections.open(clientOf(protocol), endpoint, "");
    wire.request({ target: CAPABILITIES_PATH, headers: protocol === "h2" ? [] : HANDSHAKE });
    const { status, body } = await wire.response();
    const present = status === 200 ? (JSON.parse(body.toString()) as readonly string[]) : [];
    return present.includes(capability)
      ? null
      : { kind: "skipped", reason: `the server does not have the capability "${capability}"` };
  } finally {
    connections.close();
  }
}

const CAPABILITIES_PATH = "/-/capabilities";

function newRun(): string {
  return `r${randomBytes(4).toString("hex")}`;
}
