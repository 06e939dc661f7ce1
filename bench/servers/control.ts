/** What the bench gives a server's process, and how they talk: the port on standard output, `gc` on standard input, whose end is the process's end. */

import { readFileSync } from "node:fs";
import { WORKLOADS } from "../workloads.ts";

/** An idle connection must stay for as long as a measurement lasts. */
export const KEEP_ALIVE_MS = 120_000;

/** The folder that stands for `/`; its files are in `files/`. */
export const root: string = process.argv[3] ?? ".";

/** A certificate and its key, where the workload goes over TLS. */
export const tls: { readonly cert: string; readonly key: string } | null = (() => {
  if (WORKLOADS.find(({ name }) => name === process.argv[2])?.tls !== true) return null;
  const pem = readFileSync(new URL("certificate.pem", import.meta.url), "utf8");
  return { cert: pem, key: pem };
})();

/** To be called when the server listens. */
export function ready(port: number, collectGarbage: () => void = () => globalThis.gc?.()): void {
  process.stdin.on("data", () => {
    collectGarbage();
    collectGarbage();
    process.stdout.write("collected\n");
  });
  process.stdin.on("end", () => process.exit());
  process.stdout.write(`${port}\n`);
}

/** The port of what `server.address()` gives. */
export function portOf(address: string | { readonly port: number } | null): number {
  if (address === null || typeof address === "string") throw new Error("The server does not listen on TCP");
  return address.port;
}
