/** What all connections of one socket server share. */
import type { Logger } from "@tsgi/gateway-spec";
import type { Crowd } from "../crowd.ts";
import type { HeadWriter, Vocabulary } from "../http1/index.ts";
import type { Life } from "../lifecycle.ts";
import type { Limits } from "../options.ts";

/** A connection, as far as its server has to do with it. */
export interface ServedConnection {
  /** Looks for a peer that has been silent too long. */
  sweep(now: number): void;
  /** The server shuts down: the next response is the last. */
  drain(): void;
  /** The server's patience is over. */
  cut(): Promise<void>;
}

export interface ServerContext {
  readonly life: Life;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly encrypted: boolean;
  readonly vocabulary: Vocabulary;
  readonly writer: HeadWriter;
  readonly connections: Set<ServedConnection>;
  readonly crowd: Crowd;
  /** Milliseconds since the start, as of the last sweep; time in which nobody could be heard is not counted. */
  now: number;
  /** `Date` with its CRLF, as of the last sweep (RFC 9110 §6.6.1). */
  dateLine: string;
  draining: boolean;
}
