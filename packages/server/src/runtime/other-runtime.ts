/** Bun and Deno have the names of Node's modules, and sockets of their own behind them. */
export function isOtherRuntime(): boolean {
  return "bun" in process.versions || "deno" in process.versions;
}
