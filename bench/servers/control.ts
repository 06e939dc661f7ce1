/**
 * How the bench controls a server process: the process prints its port, prints its processor time in microseconds on the line `cpu`, collects
 * garbage and prints the bytes of its heap on the line `heap`, and exits at the end of its input.
 */

import { readFileSync } from "node:fs";
import { WORKLOADS } from "../workloads.ts";

/** Idle connections must stay open during a measurement. */
export const KEEP_ALIVE_MS = 120_000;

/** The folder that is served as `/`; its files are in `files/`. */
export const root: string = process.argv[3] ?? ".";

const transport = WORKLOADS.find(({ name }) => name === process.argv[2])?.transport ?? "tcp";

/** Whether the workload runs over HTTP/2. */
export const http2: boolean = transport === "h2";

/** A certificate and its key, if the workload runs over TLS; else null. */
export const tls: { readonly cert: string; readonly key: string } | null = (() => {
  if (transport === "tcp") return null;
  const pem = readFileSync(new URL("certificate.pem", import.meta.url), "utf8");
  return { cert: pem, key: pem };
})();

/** Call it when the server listens. */
export function ready(port: number, collectGarbage: () => void = () => globalThis.gc?.()): void {
  process.stdin.setEncoding("latin1").on("data", (line: string) => {
    if (line === "cpu\n") {
      const { user, system } = process.cpuUsage();
      process.stdout.write(`${user + system}\n`);
      return;
    }
    collectGarbage();
    collectGarbage();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    process.stdout.write(`${heapUsed + arrayBuffers}\n`);
  });
  process.stdin.on("end", () => process.exit());
  process.stdout.write(`${port}\n`);
}

/** The port of a result of `server.address()`. */
export function portOf(address: string | { readonly port: number } | null): number {
  if (address === null || typeof address === "string") throw new Error("The server does not listen on TCP");
  return address.port;
}
