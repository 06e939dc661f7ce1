/** How the bench talks to a server's process: the port on standard output, `gc` on standard input, whose end is the process's end. */

/** An idle connection must stay for as long as a measurement lasts. */
export const KEEP_ALIVE_MS = 120_000;

/** The folder that stands for `/`; its files are in `files/`. */
export const root: string = process.argv[3] ?? ".";

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
