/** The part of Deno's interface that the server uses, as of Deno 2.9. */
import { RuntimeError } from "../fetch-host/runtime-error.ts";

export type DenoAddress =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

export interface DenoServeInfo {
  readonly remoteAddr: DenoAddress;
}

export interface DenoServeOptions {
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly onListen: () => void;
  readonly onError: () => Response;
}

export interface Deno {
  serve(
    options: DenoServeOptions,
    handler: (request: Request, info: DenoServeInfo) => Promise<Response>,
  ): {
    readonly addr: DenoAddress;
    readonly finished: Promise<void>;
    shutdown(): Promise<void>;
  };
  /** @param options the idle timeout is in seconds; 0: never. */
  upgradeWebSocket(
    request: Request,
    options: { readonly protocol?: string; readonly idleTimeout: number },
  ): { readonly socket: WebSocket; readonly response: Response };
}

/** @throws RuntimeError elsewhere than on Deno. */
export function requireDeno(): Deno {
  const { Deno: deno } = globalThis as { readonly Deno?: Deno };
  if (deno === undefined) throw new RuntimeError("deno", "Deno");
  return deno;
}
