/** A server of a runtime was started on another one. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly code = "WRONG_RUNTIME";

  /** @param entry of this package. @param runtime on which it runs. */
  constructor(entry: string, runtime: string) {
    super(`@tsgi/server/${entry} needs ${runtime}: use @tsgi/server/socket or @tsgi/server/node on this runtime`);
  }
}
