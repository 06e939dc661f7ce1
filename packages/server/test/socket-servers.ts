/** Socket servers on a clock that a test moves by hand, and clients of them: all are closed after each test. */
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, type Mock, vi } from "vitest";
import type { SocketServeOptions } from "../src/options.ts";
import { listen } from "../src/socket/listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { WireClient } from "./wire-client.ts";

type Log = Mock<(message: string, error?: unknown) => void>;

export interface StartedServer {
  readonly clock: ManualClock;
  readonly server: Server;
  readonly connect: () => WireClient;
}

export interface SocketServers {
  readonly logger: { readonly info: Log; readonly warn: Log; readonly error: Log };
  readonly start: (application: Application | Handler, options?: SocketServeOptions) => Promise<StartedServer>;
}

/** To be called once in a test file. */
export function socketServers(): SocketServers {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const servers: Server[] = [];
  const clients: WireClient[] = [];

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.close({ idleMs: 0 })));
    vi.resetAllMocks();
  });

  const start: SocketServers["start"] = async (application, options = {}) => {
    const clock = new ManualClock();
    const server = await listen(application, { logger, ...options }, clock);
    servers.push(server);
    const connect = () => {
      const client = new WireClient(server.address);
      clients.push(client);
      return client;
    };
    return { clock, server, connect };
  };
  return { logger, start };
}
