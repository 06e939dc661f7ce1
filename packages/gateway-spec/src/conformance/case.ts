/** A case of the kit: data, an application for the server under test, and the steps of a client. */
import type { Handler, Serve, Server } from "../index.ts";
import type { Http1Wire } from "./http1-wire.ts";
import type { Http2Wire } from "./http2-wire.ts";
import type { Protocol, ReceivedResponse, RequestParts, Wire } from "./wire.ts";

/** An optional capability of a server. A case that requires one is skipped if it is absent (TSGI-32). */
export type Capability = "informational" | "trailers" | "websocket";

/** The application's side of a case: it reports to the client and waits for it, outside of the exchange under test. */
export interface Probe {
  /** Adds a line for the client to read. */
  record(text: string): void;
  /** Fulfils when the client has released this name. */
  released(name: string): Promise<void>;
}

/** The client's side of a {@link Probe}, in the same process or over other connections. */
export interface ProbeClient {
  /** What the application has recorded so far, in order. */
  records(): Promise<readonly string[]>;
  /** Fulfils when the application has recorded this. */
  recorded(text: string): Promise<void>;
  release(name: string): Promise<void>;
}

/** What a case gives to its client. `W` is a connection of HTTP/1.1, or what both protocols have in common. */
export interface CaseContext<W extends Wire = Http1Wire> extends ProbeClient {
  /** Of the connections. */
  readonly protocol: Protocol;
  /** The Host of the server under test. */
  readonly authority: string;
  /** Scheme and authority: what the URLs of its requests begin with. */
  readonly origin: string;
  /** Whether the connections use TLS. */
  readonly encrypted: boolean;
  /** The path of the application of this case in this run, such as `/request-url/r5f3a9c01`. */
  readonly base: string;
  /** A new connection, which is closed when the case is over. The paths of its requests begin with {@link CaseContext.base}. */
  connect(): Promise<W>;
  /** Sends one request on a connection of its own. Returns the whole response. */
  fetch(parts?: RequestParts): Promise<ReceivedResponse>;
  /**
   * Exchanges requests on other connections, so that the server has done by then what it had to do. This is how a case checks
   * without a sleep that something did not happen.
   */
  settle(): Promise<void>;
}

/** The part of a server that the kit connects to. */
export type ServedConnection = Pick<Server, "address" | "url">;

/** What a case gets that starts servers itself. */
export interface ServerCaseContext<W extends Wire = Http1Wire> {
  /** Of the connections. */
  readonly protocol: Protocol;
  /** Starts the server under test, without a log. The kit closes the servers when the case is over. */
  readonly serve: Serve;
  readonly probe: Probe & ProbeClient;
  readonly connect: (server: ServedConnection) => Promise<W>;
  /** The promise's outcome. After the deadline it rejects with what the case waited for. */
  readonly within: <T>(promise: Promise<T>, what: string) => Promise<T>;
}

interface CaseBase {
  /** In kebab-case, as SPEC.md names it. */
  readonly name: string;
  /** Such as `TSGI-12`. */
  readonly rules: readonly string[];
  /** What a correct server does. */
  readonly title: string;
  /** What the client of the kit and its application do. The documentation shows this member and the next two; Markdown. */
  readonly sends: string;
  /** What must come back for the case to pass. */
  readonly expects: string;
  /** A section of an RFC that the rule rests on, and what it says. Absent where the rule is one of the contract alone. */
  readonly source?: `RFC ${number} §${string}: ${string}`;
  readonly requires?: Capability;
  /** How long each wait of the client may take, in milliseconds. Time in which the kit's process was blocked does not count. Default 5,000. */
  readonly deadlineMs?: number;
}

/** A case about the bytes of HTTP/1.1, about what HTTP/2 has too, or about what only HTTP/2 has. */
type Over<Http1, Both, Http2> =
  | { readonly http2?: never; readonly run: (context: Http1) => Promise<void> }
  | { readonly http2: "also"; readonly run: (context: Both) => Promise<void> }
  | { readonly http2: "only"; readonly run: (context: Http2) => Promise<void> };

/** A case about exchanges. It can run against a server that already runs the kit's application. */
export type ExchangeCase = CaseBase & {
  readonly kind: "exchange";
  /** Called once in a run. The handler gets all requests below {@link CaseContext.base}. */
  readonly handler: (probe: Probe) => Handler;
} & Over<CaseContext, CaseContext<Wire>, CaseContext<Http2Wire>>;

/** A case about startup and shutdown. It starts and closes servers, so it needs `serve`. */
export type ServerCase = CaseBase & { readonly kind: "server" } & Over<
    ServerCaseContext,
    ServerCaseContext<Wire>,
    ServerCaseContext<Http2Wire>
  >;

/** A case of the kit; `kind` says what it needs of the server. */
export type ConformanceCase = ExchangeCase | ServerCase;

/** The protocols over which a case has a meaning. */
export function protocolsOf({ http2 }: Pick<ConformanceCase, "http2">): readonly Protocol[] {
  if (http2 === undefined) return ["http/1.1"];
  return http2 === "only" ? ["h2"] : ["http/1.1", "h2"];
}
