/** The servers that the bench measures, and the command that starts each. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { freePorts } from "../packages/framework/test/free-port.ts";
import { configureNginx } from "./servers/nginx.ts";
import type { Workload } from "./workloads.ts";

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

const BUN_PACKAGE = "bun@1.4.5";

export const PEERS: readonly Peer[] = [
  nodePeer(LIMIT, "limit.ts", ({ status }) => status === 200),
  nodePeer("tsgi socket", "tsgi-socket.ts", () => true),
  nodePeer("tsgi node", "tsgi-node.ts", () => true),
  nodePeer(BASELINE, "node-http.ts", ({ status }) => status === 200),
  nodePeer("fastify", "fastify.ts", ({ tls }) => !tls),
  nodePeer("hono", "hono.ts"),
  nodePeer("srvx", "srvx.ts"),
  {
    name: "bun",
    installed: false,
    runs: plain,
    command: async ({ name }, root) => ({ program: await findBun(), args: [server("bun.ts"), name, root] }),
  },
  {
    name: "nginx",
    installed: false,
    runs: ({ file }) => file !== null,
    command: async (_workload, root) => {
      const program = findProgram("nginx");
      if (program === null) throw new Error("nginx is not installed (Debian: apt-get install nginx-light)");
      const [port = 0] = await freePorts(1);
      return { program, args: await configureNginx(root, port), port };
    },
  },
];

/**
 * TLS is measured for the servers of this repository and for node's modules below them; conditional and range requests for servers that
 * evaluate them.
 */
function plain({ tls, status }: Workload): boolean {
  return !tls && status === 200;
}

function nodePeer(name: string, file: string, runs: Peer["runs"] = plain): Peer {
  const command: Peer["command"] = (workload, root) =>
    Promise.resolve({ program: process.execPath, args: ["--expose-gc", server(file), workload.name, root] });
  return { name, installed: true, runs, command };
}

const server = (file: string) => join(import.meta.dirname, "servers", file);

/** The full path of a program on PATH or in the folders of Debian's servers, or null. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

let bun: Promise<string> | undefined;

/** From PATH, else from npm's cache: its 100 MB are not part of the installation of this repository. */
function findBun(): Promise<string> {
  return (bun ??= (async () => {
    const found = findProgram("bun");
    if (found !== null) return found;
    const args = ["exec", "--yes", `--package=${BUN_PACKAGE}`, "--", "bun", "-p", "process.execPath"];
    try {
      const { stdout } = await promisify(execFile)("npm", args, { timeout: 120_000 });
      return stdout.trim();
    } catch (error) {
      throw new Error(`npm cannot run ${BUN_PACKAGE}: ${String(error).split("\n", 1)[0]}`, { cause: error });
    }
  })());
}
