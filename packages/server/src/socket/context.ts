/** What all connections of one socket server share. */
import type { HeadWriter, Vocabulary } from "../http1/index.ts";
import type { Runtime, ServedConnection } from "../runtime/run-server.ts";

export interface ServerContext extends Runtime {
  readonly encrypted: boolean;
  readonly vocabulary: Vocabulary;
  readonly writer: HeadWriter;
  readonly connections: Set<ServedConnection>;
  /** `Date` with its CRLF, as of the last sweep (RFC 9110 §6.6.1). */
  dateLine: string;
}
