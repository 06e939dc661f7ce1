/** Scopes and events of ASGI 3. Names and keys are those of the ASGI text; its byte strings are `Uint8Array`s. */
import type { Exchange } from "../../index.ts";

/** What an application sends as a byte string. A string is ISO-8859-1 in a header and UTF-8 in a body. */
export type Bytes = Uint8Array | string;
/** Header fields that an application sends: pairs of name and value. */
export type SentHeaders = Iterable<readonly [Bytes, Bytes]>;

interface AsgiVersions {
  readonly version: "3.0";
  readonly spec_version: string;
}

interface ConnectionScope {
  readonly asgi: AsgiVersions;
  readonly http_version: "1.0" | "1.1" | "2";
  /** Percent-decoded UTF-8. */
  readonly path: string;
  readonly raw_path: Uint8Array;
  readonly query_string: Uint8Array;
  readonly root_path: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [Uint8Array, Uint8Array])[];
  readonly client: readonly [host: string, port: number] | null;
  readonly server: readonly [host: string, port: number | null] | null;
  /** A shallow copy of the `state` of the lifespan scope. */
  readonly state: Record<string, unknown>;
  readonly extensions: Readonly<Record<string, object>>;
  /** Not of the ASGI text: the exchange, for what ASGI lacks, such as `waitUntil`. */
  readonly "tsgi.exchange": Exchange;
}

/** The scope of one HTTP request. */
export interface HttpScope extends ConnectionScope {
  readonly type: "http";
  readonly method: string;
  readonly scheme: "http" | "https";
}

/** The scope of one WebSocket connection. */
export interface WebSocketScope extends ConnectionScope {
  readonly type: "websocket";
  readonly scheme: "ws" | "wss";
  /** The subprotocols that the client offers. */
  readonly subprotocols: readonly string[];
}

/** The scope of startup and shutdown. */
export interface LifespanScope {
  readonly type: "lifespan";
  readonly asgi: AsgiVersions;
  /** A dictionary that the application fills at startup; the other scopes get a copy. */
  readonly state: Record<string, unknown>;
}

/** What a call of the application is about; `type` says which. */
export type Scope = HttpScope | WebSocketScope | LifespanScope;

/** What `receive()` returns. */
export type ReceiveEvent =
  | { readonly type: "http.request"; readonly body: Uint8Array; readonly more_body: boolean }
  | { readonly type: "http.disconnect" }
  | { readonly type: "websocket.connect" }
  | { readonly type: "websocket.receive"; readonly bytes: Uint8Array | null; readonly text: string | null }
  | { readonly type: "websocket.disconnect"; readonly code: number; readonly reason: string }
  | { readonly type: "lifespan.startup" }
  | { readonly type: "lifespan.shutdown" };

/** What `send()` accepts. */
export type SendEvent =
  | {
      readonly type: "http.response.start";
      readonly status: number;
      readonly headers?: SentHeaders;
      readonly trailers?: boolean;
    }
  | { readonly type: "http.response.body"; readonly body?: Bytes; readonly more_body?: boolean }
  | { readonly type: "http.response.trailers"; readonly headers: SentHeaders; readonly more_trailers?: boolean }
  | { readonly type: "http.response.early_hint"; readonly links: Iterable<Bytes> }
  | { readonly type: "websocket.accept"; readonly subprotocol?: string | null; readonly headers?: SentHeaders }
  | { readonly type: "websocket.send"; readonly bytes?: Uint8Array | null; readonly text?: string | null }
  | { readonly type: "websocket.close"; readonly code?: number; readonly reason?: string | null }
  | { readonly type: "websocket.http.response.start"; readonly status: number; readonly headers?: SentHeaders }
  | { readonly type: "websocket.http.response.body"; readonly body?: Bytes; readonly more_body?: boolean }
  | { readonly type: "lifespan.startup.complete" }
  | { readonly type: "lifespan.startup.failed"; readonly message?: string }
  | { readonly type: "lifespan.shutdown.complete" }
  | { readonly type: "lifespan.shutdown.failed"; readonly message?: string };

/** Waits for the next event of the server. */
export type Receive = () => Promise<ReceiveEvent>;
/** Sends an event to the server. For content it fulfils at the pace of the client. */
export type Send = (event: SendEvent) => Promise<void>;
/** An application by ASGI 3: it is called once for each scope. */
export type AsgiApplication = (scope: Scope, receive: Receive, send: Send) => Promise<void>;

/** The error of an event that cannot be sent now. */
export function outOfOrder(type: string, when: string): Error {
  return new Error(`ASGI: ${JSON.stringify(type)} was sent ${when}`);
}
