/** What a case's client has in hand: connections to one server, and the scene of one run. */
import type { SceneClient, ServedConnection, Stage } from "./case.ts";
import { ConformanceError, within } from "./expect.ts";
import { type ReceivedResponse, type RequestParts, Wire, type WireOptions } from "./wire.ts";

/** Rounds of {@link Stage.settle}: more than a server needs turns of its loop to do what it has begun. */
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

/** @param scene the run's scene where it is at hand; else it is asked for over the server under test. */
export function createStage(
  endpoint: Endpoint,
  base: string,
  connections: Connections,
  deadlineMs: number,
  scene: SceneClient | null,
): Stage {
  const { tls: encrypted = false } = endpoint;
  const ask = async (path: string): Promise<readonly string[]> => {
    const { status, body } = await connections.fetch(endpoint, base, { path });
    if (status !== 200)
      throw new ConformanceError(`the server does not run the kit's application: ${status} for ${base}${path}`);
    return JSON.parse(body.toString()) as readonly string[];
  };
  const client = scene ?? {
    notes: () => ask("/-/notes"),
    noted: async (text) => void (await ask(`/-/noted/${encodeURIComponent(text)}`)),
    cue: async (cue) => void (await ask(`/-/cue/${encodeURIComponent(cue)}`)),
  };
  return {
    authority: authorityOf(endpoint),
    origin: `${encrypted ? "https" : "http"}://${authorityOf(endpoint)}`,
    encrypted,
    base,
    connect: () => connections.open(endpoint, base),
    fetch: (parts) => connections.fetch(endpoint, base, parts),
    notes: () => client.notes(),
    noted: async (text) => {
      try {
        await within(client.noted(text), deadlineMs, `the application to see "${text}"`);
      } catch (error) {
        const seen = scene === null ? "" : `; it saw ${JSON.stringify(await scene.notes())}`;
        throw new ConformanceError(`${error instanceof Error ? error.message : String(error)}${seen}`, {
          cause: error,
        });
      }
    },
    cue: (cue) => client.cue(cue),
    settle: async () => {
      for (let round = 0; round < SETTLE_ROUNDS; round++) await ask("/-/notes");
    },
  };
}
