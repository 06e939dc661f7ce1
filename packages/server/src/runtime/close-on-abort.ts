/** Closes a server when a signal aborts. */
import type { CloseOptions, Server } from "@tsgi/gateway-spec";
import { closable } from "@tsgi/gateway-spec/server-kit";

/**
 * The server with its `close()`, which is called when the signal aborts too. What `shutdown` throws is given to those who call
 * `close()`. The first `close()` removes the listener, because the signal may live longer than the server.
 */
export function closeOnAbort(
  server: Pick<Server, "address" | "url">,
  close: (options: CloseOptions) => Promise<void>,
  signal: AbortSignal | undefined,
): Server {
  const closeAborted = () => {
    closing.close().catch(() => undefined);
  };
  const closing = closable((options) => {
    signal?.removeEventListener("abort", closeAborted);
    return close(options);
  });
  if (signal?.aborted === true) closeAborted();
  else signal?.addEventListener("abort", closeAborted, { once: true });
  return { ...server, ...closing };
}
