/** A terminal and the command `timeout` send these to the whole process group. The supervisor acts on them. */
export function ignoreGroupSignals(): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTTIN", "SIGTTOU", "SIGUSR2"] as const)
    process.on(signal, () => undefined);
}
