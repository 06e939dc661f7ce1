/** What a case of the kit is: data, an application for the server under test, and the steps of a client. */
import type { Handler, Serve, Server } from "../index.ts";
import type { RequestParts, Wire } from "./wire.ts";

/** What a server may do without; a case that requires one is skipped where it is absent (TSGI-32). */
export type Capability = "informational" | "trailers" | "websocket";

/** The application's side of a case: what it tells the client beside the exchange under test, and waits to be told. */
export interface Probe {
  /** Something happened. */
  record(text: string): void;
  /** Fulfils when the client gave the release. */
  released(name: string): Promise<void>;
}

/** The client's view of a {@link Probe}: at hand in the same process, or asked for over other connections. */
export interface ProbeClient {
  /** All that the application recorded so far, in order. */
  records(): Promise<readonly string[]>;
  /** Fulfils when the application has recorded this. */
  recorded(text: string): Promise<void>;
  release(name: string): Promise<void>;
}

/** What the client of a case has in hand. */
export interface CaseContext extends ProbeClient {
  /** The Host of the server under test. */
  readonly authority: string;
  /** Scheme and authority: what the URLs of its requests begin with. */
  readonly origin: string;
  /** Whether the server is spoken to over TLS. */
  readonly encrypted: boolean;
  /** The path under which the application of this case, in this run, answers: such as `/request-url/r5f3a9c01`. */
  readonly base: string;
  /** A new connection; it is closed when the case is over. Paths of its requests begin with {@link CaseContext.base}. */
  connect(): Promise<Wire>;
  /** One request on its own connection, and its whole response. */
  fetch(parts?: RequestParts): ReturnType<Wire["response"]>;
  /**
   * Exchanges requests on other connections, so that whatever the server had to do in the meantime is done. This is how a case
   * finds that something did not happen, without a sleep.
   */
  settle(): Promise<void>;
}

/** What a connection is made to: a server that `serve` gave, or its like. */
export type ServedConnection = Pick<Server, "address" | "url">;

/** What a case that starts servers itself has in hand. */
export interface ServerCaseContext {
  /** The server under test; what it started is closed when the case is over. Its log is kept quiet. */
  readonly serve: Serve;
  readonly probe: Probe & ProbeClient;
  readonly connect: (server: ServedConnection) => Promise<Wire>;
  /** The promise's outcome, or a failure that names what was awaited when the deadline is over. */
  readonly within: <T>(promise: Promise<T>, what: string) => Promise<T>;
}

interface CaseBase {
  /** In kebab-case, as SPEC.md names it. */
  readonly name: string;
  /** Such as `TSGI-12`. */
  readonly rules: readonly string[];
  /** What a right server does. */
  readonly title: string;
  readonly requires?: Capability;
  /** How long each wait of the client may take, in milliseconds. Default 5,000. */
  readonly deadlineMs?: number;
}

/** A case about exchanges: it can be held against a server that already runs the kit's own application. */
export interface ExchangeCase extends CaseBase {
  readonly kind: "exchange";
  /** Called once in a run; the handler answers all requests below the context's base. */
  readonly handler: (probe: Probe) => Handler;
  readonly run: (context: CaseContext) => Promise<void>;
}

/** A case about a server's life: it starts and closes servers, and so needs the server's `serve`. */
export interface ServerCase extends CaseBase {
  readonly kind: "server";
  readonly run: (context: ServerCaseContext) => Promise<void>;
}

export type ConformanceCase = ExchangeCase | ServerCase;
