/** The context of a case's client: connections to one server, and the probe of one run. */
import type { ProbeClient, ServedConnection, CaseContext } from "./case.ts";
import { ConformanceError, show, type Waits } from "./expect.ts";
import { Http1Wire } from "./http1-wire.ts";
import type { WireOptions } from "./open-socket.ts";
import type { Protocol, ReceivedResponse, RequestParts, Wire } from "./wire.ts";

/** Rounds of {@link CaseContext.settle}: more than the turns of the event loop that a server needs to finish what it has begun. */
const SETTLE_ROUNDS = 8;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Whether the server speaks TLS. The kit accepts any certificate, because it does not test identities. Default false. */
  readonly tls?: boolean;
}

const EXPECTED_ADDRESS = '{ transport: "tcp", hostname, port }';

/** @throws ConformanceError if `serve` did not return a server that the kit can connect to; the message names the fault. */
export function endpointOf(server: ServedConnection): Endpoint {
  const { address, url } = asRecord(server, "serve() must return a server { address, url, close }");
  const { transport, hostname, port } = asRecord(address, `server.address must be ${EXPECTED_ADDRESS}`);
  if (transport === undefined) {
    throw new ConformanceError(`server.address has no transport: it must be ${EXPECTED_ADDRESS}, saw ${show(address)}`);
  }
  if (transport !== "tcp") {
    throw new ConformanceError(
      `the kit connects over TCP: server.address must be ${EXPECTED_ADDRESS}, saw ${show(address)}`,
    );
  }
  if (typeof hostname !== "string" || typeof port !== "number") {
    throw new ConformanceError(`server.address must have a hostname and a port, saw ${show(address)}`);
  }
  if (typeof url !== "string") throw new ConformanceError(`server.url must be a string, saw ${show(url)}`);
  return { host: hostname, port, tls: url.startsWith("https:") };
}

function asRecord(value: unknown, rule: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  throw new ConformanceError(`${rule}, saw ${show(value)}`);
}

export function authorityOf({ host, port }: Endpoint): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Opens the connections of one protocol. */
export interface Client<W extends Wire> {
  readonly protocol: Protocol;
  open(options: WireOptions): Promise<W>;
}

/** The connections of one run, which closes all of them at its end. */
export class Connections {
  readonly #wires = new Set<Wire>();
  readonly #waits: Waits;

  constructor(waits: Waits) {
    this.#waits = waits;
  }

  async open<W extends Wire>(
    client: Client<W>,
    endpoint: Endpoint,
    base: string,
    waits: Waits = this.#waits,
  ): Promise<W> {
    const wire = await client.open({ ...endpoint, authority: authorityOf(endpoint), base, waits });
    this.#wires.add(wire);
    return wire;
  }

  /** One request on a connection of its own. */
  async fetch(
    client: Client<Wire>,
    endpoint: Endpoint,
    base: string,
    parts: RequestParts = {},
    waits?: Waits,
  ): Promise<ReceivedResponse> {
    const wire = await this.open(client, endpoint, base, waits);
    wire.request({ ...parts, last: true });
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

/** @param probe the probe of the run if it is in this process. `null` asks the server under test for it. */
export function createCaseContext<W extends Wire>(
  given: Client<W>,
  endpoint: Endpoint,
  base: string,
  connections: Connections,
  waits: Waits,
  probe: ProbeClient | null,
): CaseContext<W> {
  const { tls: encrypted = false } = endpoint;
  const ask = async (path: string): Promise<readonly string[]> => {
    const { status, body } = await connections.fetch(Http1Wire, endpoint, base, { path }, waits.silent);
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
    protocol: given.protocol,
    authority: authorityOf(endpoint),
    origin: `${encrypted ? "https" : "http"}://${authorityOf(endpoint)}`,
    encrypted,
    base,
    connect: () => connections.open(given, endpoint, base),
    fetch: (parts) => connections.fetch(given, endpoint, base, parts),
    records: () => client.records(),
    recorded: async (text) => {
      try {
        await waits.within(client.recorded(text), `the application to record "${text}"`);
      } catch (error) {
        const seen = probe === null ? "" : `; it recorded ${JSON.stringify(await probe.records())}`;
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
