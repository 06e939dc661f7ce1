/** Holds a server to cases. */
import { randomBytes } from "node:crypto";
import type { Logger, Serve, Server } from "../index.ts";
import { createConformanceApplication } from "./application.ts";
import type { Capability, ConformanceCase, ExchangeCase, ServerCase } from "./case.ts";
import { within } from "./expect.ts";
import { LocalProbe } from "./probe.ts";
import { HANDSHAKE } from "./websocket-wire.ts";
import { Connections, createCaseContext, type Endpoint, endpointOf } from "./case-context.ts";

/** The server under test: its `serve`, or where it runs the kit's application already. */
export type ConformanceTarget = { readonly serve: Serve } | Endpoint;

export type CaseOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly reason: string }
  /** What the server did not do: a `ConformanceError`, or what the server's own functions threw. */
  | { readonly kind: "failed"; readonly error: unknown };

export interface CaseResult {
  readonly case: ConformanceCase;
  readonly outcome: CaseOutcome;
}

/** How long each wait of a case may take where the case does not say. */
const DEADLINE_MS = 5000;

/** How long the kit waits for a server to close after a case; what does not close then is left behind. */
const CLEAN_UP_MS = 5000;

/** A server that is closed after a case has no one left to wait for. */
const SHUTDOWN_TIMEOUT_MS = 500;

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Holds the server to one case after the other, in their order. */
export async function* runConformance(
  target: ConformanceTarget,
  cases: readonly ConformanceCase[],
): AsyncGenerator<CaseResult, void, undefined> {
  for (const one of cases) yield { case: one, outcome: await runCase(one, target) };
}

/** Holds the server to one case. Never rejects. */
export async function runCase(one: ConformanceCase, target: ConformanceTarget): Promise<CaseOutcome> {
  try {
    if ("serve" in target) {
      return one.kind === "server" ? await runServerCase(one, target.serve) : await runServed(one, target.serve);
    }
    if (one.kind === "server") return { kind: "skipped", reason: "it starts and closes servers: give the kit a serve" };
    return await runExchangeCase(one, target, `/${one.name}/${newRun()}`, null);
  } catch (error) {
    return { kind: "failed", error };
  }
}

/** A server of its own, with the case's probe at hand. */
async function runServed(one: ExchangeCase, serve: Serve): Promise<CaseOutcome> {
  const probe = new LocalProbe();
  const run = newRun();
  const application = createConformanceApplication([{ ...one, handler: () => one.handler(probe) }]);
  const servers = new Servers(serve);
  try {
    const server = await servers.start(application);
    return await runExchangeCase(one, endpointOf(server), `/${one.name}/${run}`, probe);
  } finally {
    await servers.close();
  }
}

async function runExchangeCase(
  one: ExchangeCase,
  endpoint: Endpoint,
  base: string,
  probe: LocalProbe | null,
): Promise<CaseOutcome> {
  const deadlineMs = one.deadlineMs ?? DEADLINE_MS;
  const lacking = await lacks(one.requires, endpoint);
  if (lacking !== null) return lacking;
  const connections = new Connections(deadlineMs);
  try {
    await one.run(createCaseContext(endpoint, base, connections, deadlineMs, probe));
    return { kind: "passed" };
  } finally {
    connections.close();
  }
}

async function runServerCase(one: ServerCase, serve: Serve): Promise<CaseOutcome> {
  const deadlineMs = one.deadlineMs ?? DEADLINE_MS;
  const servers = new Servers(serve);
  const connections = new Connections(deadlineMs);
  const probe = new LocalProbe();
  try {
    if (one.requires !== undefined) {
      const lacking = await lacks(one.requires, endpointOf(await servers.start(createConformanceApplication([]))));
      if (lacking !== null) return lacking;
    }
    await one.run({
      serve: servers.start,
      probe: {
        record: (text) => {
          probe.record(text);
        },
        released: (release) => probe.released(release),
        release: (release) => probe.release(release),
        records: () => probe.records(),
        recorded: (text) => within(probe.recorded(text), deadlineMs, `the application to see "${text}"`),
      },
      connect: (server) => connections.open(endpointOf(server), ""),
      within: (promise, what) => within(promise, deadlineMs, what),
    });
    return { kind: "passed" };
  } finally {
    connections.close();
    await servers.close();
  }
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
    // How a server closes is told by the cases that are about it.
    const closed = Promise.allSettled(this.#running.map((server) => server.close()));
    await within(closed, CLEAN_UP_MS, "the server to close").catch(() => undefined);
  }
}

/** A skip, where the server lacks what a case requires. */
async function lacks(capability: Capability | undefined, endpoint: Endpoint): Promise<CaseOutcome | null> {
  if (capability === undefined) return null;
  const connections = new Connections(DEADLINE_MS);
  try {
    const wire = await connections.open(endpoint, "");
    wire.request({ target: "/-/capabilities", headers: HANDSHAKE });
    const { status, body } = await wire.response();
    const present = status === 200 ? (JSON.parse(body.toString()) as readonly string[]) : [];
    return present.includes(capability)
      ? null
      : { kind: "skipped", reason: `the server does not have the capability "${capability}"` };
  } finally {
    connections.close();
  }
}

function newRun(): string {
  return `r${randomBytes(4).toString("hex")}`;
}
