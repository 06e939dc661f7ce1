/** The servers that the bench measures, and the command that starts each. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../packages/framework/test/free-port.ts";
import { findProgram } from "../scripts/lib/machine.ts";
import { requireRuntime } from "../scripts/lib/runtimes.ts";
import { configureNginx } from "./servers/nginx.ts";
import { servesFiles, type Workload } from "./workloads.ts";

export interface Peer {
  readonly name: string;
  /** Whether the workspace installs it; the others depend on the machine. */
  readonly installed: boolean;
  /** Whether it takes part in the workload. */
  readonly runs: (workload: Workload) => boolean;
  /** @throws Error that names what is missing on this machine. */
  readonly command: (workload: Workload, root: string) => Promise<Command>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** The port on which it will listen; absent for a server that chooses its port and prints it. */
  readonly port?: number;
}

/** The upper limit, and the server that all are compared with. */
export const LIMIT = "limit";
export const BASELINE = "node:http";

export const PEERS: readonly Peer[] = [
  nodePeer(LIMIT, "limit.ts", ({ status, transport }) => status === 200 && transport !== "h2"),
  // The socket server has HTTP/1.1 alone.
  nodePeer("tsgi socket", "tsgi-socket.ts", ({ transport }) => transport !== "h2"),
  nodePeer("tsgi node", "tsgi-node.ts", () => true),
  nodePeer(BASELINE, "node-http.ts", ({ status, name }) => [200, 404].includes(status) && !isCompressed(name)),
  nodePeer("fastify", "fastify.ts", ({ transport }) => transport === "tcp"),
  nodePeer("hono", "hono.ts", ({ transport, status }) => transport === "tcp" && status !== 304),
  nodePeer("srvx", "srvx.ts", ({ transport, status }) => transport === "tcp" && status !== 206),
  bunPeer(
    "bun",
    "bun.ts",
    ({ transport, status, name }) => transport !== "h2" && status !== 304 && !isCompressed(name),
  ),
  {
    name: "deno",
    installed: false,
    runs: (workload) => workload.transport === "tcp" && !servesFiles(workload),
    command: ({ name }) => {
      const { program } = requireRuntime("deno");
      return Promise.resolve({ program, args: ["run", "--allow-all", "--no-check", server("deno.ts"), name] });
    },
  },
  {
    name: "go",
    installed: false,
    runs: ({ transport, status, name }) => transport === "tcp" && status !== 304 && !isCompressed(name),
    command: async (_workload, root) => ({ program: await buildGo(root), args: [root] }),
  },
  {
    name: "nginx",
    installed: false,
    // Debian's nginx has no module for files compressed by brotli.
    runs: (workload) => servesFiles(workload) && workload.name !== "brotli",
    command: async (_workload, root) => {
      const program = findProgram(["nginx"], process.env);
      if (program === null) throw new Error("nginx is not installed (Debian: apt-get install nginx-light)");
      const [port = 0] = await freePorts(1);
      return { program, args: await configureNginx(root, port), port };
    },
  },
];

function isCompressed(name: string): boolean {
  return name === "brotli" || name === "gzip";
}

function nodePeer(name: string, file: string, runs: Peer["runs"]): Peer {
  const command: Peer["command"] = (workload, root) =>
    Promise.resolve({ program: process.execPath, args: ["--expose-gc", server(file), workload.name, root] });
  return { name, installed: true, runs, command };
}

/** A server that runs in the Bun of scripts/runtimes. */
export function bunPeer(name: string, file: string, runs: Peer["runs"] = () => true): Peer {
  const command: Peer["command"] = ({ name }, root) => {
    const { program } = requireRuntime("bun");
    return Promise.resolve({ program, args: [server(file), name, root] });
  };
  return { name, installed: false, runs, command };
}

/** @returns the program, which is built once for each folder. */
async function buildGo(root: string): Promise<string> {
  const go = findProgram(["go"], process.env);
  if (go === null) throw new Error("Go is not installed (Debian: apt-get install golang-go)");
  const program = join(root, "go-server");
  if (!existsSync(program)) await promisify(execFile)(go, ["build", "-o", program, server("go/main.go")]);
  return program;
}

function server(file: string): string {
  return join(import.meta.dirname, "servers", file);
}
