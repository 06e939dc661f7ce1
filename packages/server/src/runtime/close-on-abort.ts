/** Closes a server when a signal aborts. */
import type { Server } from "@tsgi/gateway-spec";

/** The same server. What `shutdown` throws is given to those who call `close()` too. */
export function closeOnAbort(server: Server, signal: AbortSignal | undefined): Server {
  const close = () => {
    server.close().catch(() => undefined);
  };
  if (signal?.aborted === true) close();
  else signal?.addEventListener("abort", close, { once: true });
  return server;
}
