/** What `tsgi --status` shows: a row for each worker, asked of the supervisor over a Unix domain socket beside its PID file. */
import { rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { once } from "node:events";
import type { WorkerRow } from "./supervisor.ts";

export function statusSocketPath(pidFile: string): string {
  return `${pidFile}.sock`;
}

/** Sends the rows to each client that connects. Only the owner of the file may connect. */
export async function serveStatus(path: string, rows: () => readonly WorkerRow[]): Promise<Server> {
  await rm(path, { force: true });
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end(JSON.stringify(rows()));
  });
  const umask = process.umask(0o177);
  server.listen(path);
  process.umask(umask);
  await once(server, "listening");
  // It must not keep a supervisor alive that has no workers any more.
  return server.unref();
}

/** @throws node's error, `ENOENT` or `ECONNREFUSED` where no supervisor runs. */
export async function readStatus(path: string): Promise<readonly WorkerRow[]> {
  const socket = connect(path);
  socket.setEncoding("utf8");
  let text = "";
  for await (const piece of socket) text += String(piece);
  return JSON.parse(text) as readonly WorkerRow[];
}

/** The rows as a table for a terminal. */
export function statusTable(rows: readonly WorkerRow[]): string {
  const cells = rows.map(({ pid, generation, state, uptimeMs, requests, memoryBytes }) => [
    String(pid),
    String(generation),
    state,
    duration(uptimeMs),
    String(requests),
    memoryBytes === null ? "-" : `${(memoryBytes / 1e6).toFixed(1)} MB`,
  ]);
  const table = [["PID", "GENERATION", "STATE", "UPTIME", "REQUESTS", "MEMORY"], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours}:${String(minutes).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}
