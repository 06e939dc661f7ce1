/** The part of Bun's interface that the server uses, as of Bun 1.4. */
import { RuntimeError } from "../fetch-host/runtime-error.ts";

export interface BunSocket<Data> {
  readonly data: Data;
  readonly readyState: number;
  /** @returns bytes sent; -1 where they wait for the client; 0 where they were dropped. */
  send(message: string | ArrayBufferLike | ArrayBufferView): number;
  ping(): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  getBufferedAmount(): number;
}

export interface BunServer {
  readonly address: { readonly address: string; readonly port: number };
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
  /** @param seconds 0: never. */
  timeout(request: Request, seconds: number): void;
  upgrade(request: Request, options: { readonly headers: Headers; readonly data: unknown }): boolean;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

export interface BunServeOptions<Data> {
  readonly hostname?: string;
  readonly port?: number;
  readonly unix?: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Seconds. */
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  readonly development: false;
  readonly fetch: (request: Request, server: BunServer) => Promise<Response>;
  readonly websocket: {
    readonly idleTimeout: number;
    readonly maxPayloadLength: number;
    readonly backpressureLimit: number;
    readonly open: (socket: BunSocket<Data>) => void;
    readonly message: (socket: BunSocket<Data>, message: string | Uint8Array) => void;
    readonly ping: (socket: BunSocket<Data>) => void;
    readonly pong: (socket: BunSocket<Data>) => void;
    readonly drain: (socket: BunSocket<Data>) => void;
    readonly close: (socket: BunSocket<Data>, code: number, reason: string) => void;
  };
}

export interface Bun {
  serve<Data>(options: BunServeOptions<Data>): BunServer;
}

/** @throws RuntimeError elsewhere than on Bun. */
export function requireBun(): Bun {
  const { Bun: bun } = globalThis as { readonly Bun?: Bun };
  if (bun === undefined) throw new RuntimeError("bun", "Bun");
  return bun;
}
