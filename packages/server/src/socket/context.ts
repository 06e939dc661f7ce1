/** What all connections of one socket server share. */
import type { LastResponseCache } from "../http1/cache/last-response-cache.ts";
import type { ParserCaches } from "../http1/index.ts";
import type { UnorderedList, Listed } from "../runtime/unordered-list.ts";
import type { Runtime, ServedConnection } from "../runtime/run-server.ts";

export interface ServerContext extends Runtime {
  readonly encrypted: boolean;
  /** The codec caches of one connection. */
  readonly createCaches: () => ParserCaches;
  readonly responses: LastResponseCache;
  readonly connections: UnorderedList<ServedConnection & Listed>;
  /** `Date` with its CRLF, as of the last sweep (RFC 9110 §6.6.1). */
  dateLine: string;
}
