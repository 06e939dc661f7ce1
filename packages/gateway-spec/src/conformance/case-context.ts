/** What a case's client has in hand: connections to one server, and the probe of one run. */
import type { ProbeClient, ServedConnection, CaseContext } from "./case.ts";
import { ConformanceError, within } from "./expect.ts";
import { type ReceivedResponse, type RequestParts, Wire, type WireOptions } from "./wire.ts";

/** Rounds of {@link CaseContext.settle}: more than a server needs turns of its loop to do what it has begun. */
const SETTLE_ROUNDS = 8;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Whether TLS is spoken there. Any certificate will do: who the server is, is not the kit's question. Default false. */
  readonly tls?: boolean;
}

export function endpointOf({ address, url }: ServedConnection): Endpoint {
  if (address.transport !== "tcp") throw new ConformanceError("the kit needs a server that listens on TCP");
  return { host: address.hostname, port: address.port, tls: url.startsWith("https:") };
}

export function authorityOf({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The connections of one run, so that all of them are closed when it is over. */
export class Connections {
  readonly #wires = new Set<Wire>();
  readonly #deadlineMs: number;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  async open(endpoint: Endpoint, base: string): Promise<Wire> {
    const options: WireOptions = { ...endpoint, authority: authorityOf(endpoint), base, deadlineMs: this.#deadlineMs };
    const wire = await Wire.open(options);
    this.#wires.add(wire);
    return wire;
  }

  /** One request on a connection of its own. */
  async fetch(endpoint: Endpoint, base: string, parts: RequestParts = {}): Promise<ReceivedResponse> {
    const wire = await this.open(endpoint, base);
    wire.request({ ...parts, headers: [...(parts.headers ?? []), ["Connection", "close"]] });
    const response = await wire.response(parts.method);
    wire.close();
    this.#wires.delete(wire);
    return response;
  }

  close(): void {
    for (const wire of this.#wires) wire.close();
    this.#wires.clear();
  }
}

/** @param probe the run's probe where it is at hand; else it is asked for over the server under test. */
export function createCaseContext(
  endpoint: Endpoint,
  base: string,
  connections: Connections,
  deadlineMs: number,
  probe: ProbeClient | null,
): CaseContext {
  const { tls: encrypted = false } = endpoint;
  const ask = async (path: string): Promise<readonly string[]> => {
    const { status, body } = await connections.fetch(endpoint, base, { path });
    if (status !== 200)
      throw new ConformanceError(`the server does not run the kit's application: ${status} for ${base}${path}`);
    return JSON.parse(body.toString()) as readonly string[];
  };
  const client = probe ?? {
    records: () => ask("/-/records"),
    recorded: async (text) => void (await ask(`/-/recorded/${encodeURIComponent(text)}`)),
    release: async (release) => void (await ask(`/-/release/${encodeURIComponent(release)}`)),
  };
  return {
    authority: authorityOf(endpoint),
    origin: `${encrypted ? "https" : "http"}://${authorityOf(endpoint)}`,
    encrypted,
    base,
    connect: () => connections.open(endpoint, base),
    fetch: (parts) => connections.fetch(endpoint, base, parts),
    records: () => client.records(),
    recorded: async (text) => {
      try {
        await within(client.recorded(text), deadlineMs, `the application to see "${text}"`);
      } catch (error) {
        const seen = probe === null ? "" : `; it saw ${JSON.stringify(await probe.records())}`;
        throw new ConformanceError(`${error instanceof Error ? error.message : String(error)}${seen}`, {
          cause: error,
        });
      }
    },
    release: (release) => client.release(release),
    settle: async () => {
      for (let round = 0; round < SETTLE_ROUNDS; round++) await ask("/-/records");
    },
  };
}
