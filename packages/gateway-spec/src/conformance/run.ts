/** Runs cases against a server. */
import { randomBytes } from "node:crypto";
import type { Logger, Serve, Server } from "../index.ts";
import { createConformanceApplication } from "./application.ts";
import type { Capability, ConformanceCase, ExchangeCase, ServerCase } from "./case.ts";
import { ConformanceError, Waits } from "./expect.ts";
import { LocalProbe } from "./probe.ts";
import { HANDSHAKE } from "./websocket-wire.ts";
import { Connections, createCaseContext, type Endpoint, endpointOf } from "./case-context.ts";

/** The server under test: its `serve`, or the address at which it runs the kit's application. */
export type ConformanceTarget = { readonly serve: Serve } | Endpoint;

/** How a case ended. */
export type CaseOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly reason: string }
  /** A `ConformanceError`, or what the functions of the server threw. */
  | { readonly kind: "failed"; readonly error: unknown };

/** A case and its outcome. */
export interface CaseResult {
  readonly case: ConformanceCase;
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
  readonly onWait?: (one: ConformanceCase, what: string) => void;
}

/** Runs the cases one after the other, in their order. */
export async function* runConformance(
  target: ConformanceTarget,
  cases: readonly ConformanceCase[],
  options?: RunOptions,
): AsyncGenerator<CaseResult, void, undefined> {
  for (const one of cases) yield { case: one, outcome: await runCase(one, target, options) };
}

/** Runs one case. Never rejects. */
export async function runCase(
  one: ConformanceCase,
  target: ConformanceTarget,
  { onWait }: RunOptions = {},
): Promise<CaseOutcome> {
  const waits = new Waits(one.deadlineMs ?? DEADLINE_MS, (what) => onWait?.(one, what));
  try {
    if ("serve" in target) {
      const { serve } = target;
      return one.kind === "server" ? await runServerCase(one, serve, waits) : await runServed(one, serve, waits);
    }
    if (one.kind === "server") return { kind: "skipped", reason: "it starts and closes servers: use --serve <module>" };
    return await runExchangeCase(one, target, `/${one.name}/${newRun()}`, null, waits);
  } catch (error) {
    return { kind: "failed", error };
  }
}

/**
 * Checks that the kit can connect to the server, so that a server that is not there is one fault and not one a case.
 * @throws ConformanceError that names the fault, or what `serve` threw.
 */
export async function checkTarget(target: ConformanceTarget): Promise<void> {
  const waits = new Waits(DEADLINE_MS);
  const connections = new Connections(waits);
  const servers = "serve" in target ? new Servers(target.serve) : null;
  try {
    if (servers !== null) {
      const server = await waits.within(servers.start(createConformanceApplication([])), "serve() to return a server");
      await connections.open(endpointOf(server), "");
    } else if (!("serve" in target)) {
      const { status } = await connections.fetch(target, "", { target: CAPABILITIES_PATH });
      if (status !== 200) {
        throw new ConformanceError(
          `the server does not run conformanceApplication of "@tsgi/gateway-spec/conformance": GET ${CAPABILITIES_PATH} has the status ${status}`,
        );
      }
    }
  } finally {
    connections.close();
    await servers?.close();
  }
}

/** A server for this case alone, with the probe in this process. */
async function runServed(one: ExchangeCase, serve: Serve, waits: Waits): Promise<CaseOutcome> {
  const probe = new LocalProbe();
  const run = newRun();
  const application = createConformanceApplication([{ ...one, handler: () => one.handler(probe) }]);
  const servers = new Servers(serve);
  try {
    const server = await servers.start(application);
    return await runExchangeCase(one, endpointOf(server), `/${one.name}/${run}`, probe, waits);
  } finally {
    await servers.close();
  }
}

async function runExchangeCase(
  one: ExchangeCase,
  endpoint: Endpoint,
  base: string,
  probe: LocalProbe | null,
  waits: Waits,
): Promise<CaseOutcome> {
  const lacking = await lacks(one.requires, endpoint);
  if (lacking !== null) return lacking;
  const connections = new Connections(waits);
  try {
    await one.run(createCaseContext(endpoint, base, connections, waits, probe));
    return { kind: "passed" };
  } finally {
    connections.close();
  }
}

async function runServerCase(one: ServerCase, serve: Serve, waits: Waits): Promise<CaseOutcome> {
  const servers = new Servers(serve);
  const connections = new Connections(waits);
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
        recorded: (text) => waits.within(probe.recorded(text), `the application to record "${text}"`),
      },
      connect: (server) => connections.open(endpointOf(server), ""),
      within: (promise, what) => waits.within(promise, what),
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
    // The cases of shutdown check how a server closes.
    const closed = Promise.allSettled(this.#running.map(async (server) => server.close()));
    await new Waits(CLEAN_UP_MS).within(closed, "the server to close").catch(() => undefined);
  }
}

/** A skip if the server lacks the capability. */
async function lacks(capability: Capability | undefined, endpoint: Endpoint): Promise<CaseOutcome | null> {
  if (capability === undefined) return null;
  const connections = new Connections(new Waits(DEADLINE_MS));
  try {
    const wire = await connections.open(endpoint, "");
    wire.request({ target: CAPABILITIES_PATH, headers: HANDSHAKE });
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
