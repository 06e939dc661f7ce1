/**
 * Every option of the `tsgi` command, once: its type, its default, its description. The command line, the environment, the
 * configuration file, `--help`, `--check` and the README's table are made from it.
 */
import { closestName } from "./closest-name.ts";
import type { ForwardedHeader } from "./proxy/forwarded.ts";
import {
  either,
  integer,
  mounts,
  paths,
  oneOf,
  type OptionType,
  type StaticMount,
  text,
  toggle,
  trustedProxies,
} from "./option-values.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, type Limits } from "./options.ts";
import type { TrustedProxies } from "./proxy/trust.ts";
import { MAX_TIMER_MS } from "./runtime/clock.ts";

/** `bun` and `deno` are the HTTP servers of these runtimes; `auto` is that of the runtime, else `socket`. */
const SERVERS = ["socket", "node", "bun", "deno", "auto"] as const;

/** What the command runs with. */
export interface Config extends Limits {
  /** `module` or `module:export`. */
  readonly application?: string | undefined;
  readonly static: readonly StaticMount[];
  readonly hostname: string;
  readonly port: number;
  readonly path?: string | undefined;
  readonly fd?: number | undefined;
  readonly server: (typeof SERVERS)[number];
  readonly accessLog: "off" | "combined" | "json";
  readonly accessLogFile?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsSelfSigned: boolean;
  readonly trustedProxies?: TrustedProxies | undefined;
  readonly forwardedHeader: ForwardedHeader;
  readonly proxyProtocol: boolean;
  /** The port of /live, /ready and /metrics. */
  readonly opsPort?: number | undefined;
  readonly opsHostname: string;
  readonly watch: boolean;
  /** Files and folders whose changes restart a watched application. */
  readonly watchPath: readonly string[];
  /** Worker processes; without it the command serves in its own process. */
  readonly workers?: number | "auto" | undefined;
  /** Event loops in each worker process; implies one worker. */
  readonly threads?: number | undefined;
  readonly pidFile?: string | undefined;
  readonly startTimeoutMs: number;
  readonly stuckTimeoutMs: number;
  readonly maxRequestsPerWorker: number;
  readonly maxWorkerMemoryBytes: number;
  readonly drainDelayMs: number;
  readonly shutdownTimeoutMs: number;
}

/** What the command does beside running an application. Only on the command line. */
export interface CommandOptions {
  readonly config?: string | undefined;
  readonly check: boolean;
  readonly status: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

export interface OptionInfo {
  /** In the configuration file: `shutdownTimeoutMs`. */
  readonly name: string;
  /** On the command line: `--shutdown-timeout-ms`. */
  readonly flag: string;
  /** Other flags for the same option, such as `--host`; and one letter, such as `-h`. */
  readonly otherFlags: readonly string[];
  /** In the environment, the first that is set: `TSGI_SHUTDOWN_TIMEOUT_MS`. Empty for options of the command line only. */
  readonly variables: readonly string[];
  readonly description: string;
  /** What stands for the value in the help, or `null` for a switch. */
  readonly placeholder: string | null;
  /** Whether the command line may have it more than once. */
  readonly repeatable: boolean;
  /** The heading of the option in the help. */
  readonly group: string;
  /** For a reader; empty if there is none. */
  readonly defaultText: string;
}

/** Values by name from one place. */
export interface ConfigSource {
  /** Such as `command line`. */
  readonly place: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Names the origin of a value for a message: `--port`, `TSGI_PORT`, `port in tsgi.config.ts`. */
  readonly describe: (name: string) => string;
}

export interface ResolvedConfig {
  readonly config: Config;
  /** Where each value comes from, by option name; values that are not in it are defaults. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The command, a variable or the configuration file is wrong. The message says what is wrong and where. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "USAGE";
}

/**
 * Merges the sources; of two values for one option, the value of the earlier source applies.
 * @throws UsageError that names each wrong value and its origin.
 */
export function resolveConfig(sources: readonly ConfigSource[]): ResolvedConfig {
  const values: Record<string, unknown> = {};
  const names = new Map<string, string>();
  const origins = new Map<string, string>();
  for (const { place, values: given, describe } of sources) {
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || name in values) continue;
      values[name] = value;
      names.set(name, describe(name));
      origins.set(name, `${place} (${describe(name)})`);
    }
  }
  const config: Record<string, unknown> = {};
  for (const [name, { byDefault }] of DEFINITIONS) if (byDefault !== undefined) config[name] = byDefault;
  const problems: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    const type = DEFINITIONS.get(name)?.type;
    const read = type?.read(value);
    if (read !== undefined) config[name] = read;
    else problems.push(`${names.get(name) ?? name}: ${problemOf(name, value, type)}`);
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  // Each option of the type is in the table, with its default or as an optional one.
  const complete = config as unknown as Config;
  const conflict = conflictOf(complete);
  if (conflict === null) return { config: complete, origins };
  throw new UsageError(`${names.get(conflict.name) ?? conflict.name}: ${conflict.message}`);
}

function problemOf(name: string, value: unknown, type: OptionType<unknown> | undefined): string {
  if (type === undefined) return `unknown option${didYouMean(closestName(name, [...DEFINITIONS.keys()]))}`;
  const shown = typeof value === "string" || typeof value === "number" ? `, not ${JSON.stringify(value)}` : "";
  return type.rule + shown;
}

/** Two options that exclude each other, or one that needs another. */
function conflictOf({
  server,
  accessLog,
  accessLogFile,
  watch,
  workers,
  threads,
  path,
  tlsCert,
  tlsKey,
  tlsSelfSigned,
  trustedProxies,
  proxyProtocol,
}: Config): { readonly name: string; readonly message: string } | null {
  if ((server === "bun" || server === "deno") && (workers ?? threads) !== undefined) {
    return {
      name: "server",
      message: "this server cannot share a socket between workers: leave out --workers and --threads",
    };
  }
  if (accessLogFile !== undefined && accessLog === "off") {
    return { name: "accessLogFile", message: "choose the format of the log (--access-log combined)" };
  }
  if (watch && threads !== undefined) {
    return { name: "watch", message: "a watched application runs in one thread: leave out --threads" };
  }
  if (tlsCert !== undefined && tlsKey === undefined) {
    return { name: "tlsCert", message: "the private key of the certificate is missing (--tls-key)" };
  }
  if (tlsKey !== undefined && tlsCert === undefined) {
    return { name: "tlsKey", message: "the certificate of the private key is missing (--tls-cert)" };
  }
  if (tlsSelfSigned && tlsCert !== undefined) {
    return { name: "tlsSelfSigned", message: "there is a certificate already (--tls-cert)" };
  }
  if (proxyProtocol && typeof trustedProxies !== "object") {
    return { name: "proxyProtocol", message: "name the addresses of the proxies (--trusted-proxies 10.0.0.0/8)" };
  }
  if (path !== undefined && (tlsSelfSigned || tlsCert !== undefined)) {
    return { name: "path", message: "TLS needs a port" };
  }
  return null;
}

/**
 * The values of the environment; an empty variable counts as absent.
 * @param pid of this process: LISTEN_FDS is for the process that LISTEN_PID names.
 * @throws UsageError for a TSGI variable that is probably misspelt.
 */
export function environmentSource(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ConfigSource {
  const values: Record<string, string> = {};
  const variables = new Map<string, string>();
  const take = (name: string, variable: string, value: string | undefined) => {
    if (value === undefined || value === "" || name in values) return;
    values[name] = value;
    variables.set(name, variable);
  };
  for (const { name, variables } of OPTIONS) {
    for (const variable of variables) take(name, variable, environment[variable]);
  }
  // The protocol of sd_listen_fds(3): descriptors from 3 on.
  if (environment["LISTEN_PID"] === String(pid) && environment["LISTEN_FDS"] !== undefined) {
    if (environment["LISTEN_FDS"] !== "1") {
      throw new UsageError(`LISTEN_FDS: tsgi listens on one socket, not on ${environment["LISTEN_FDS"]}`);
    }
    take("fd", "LISTEN_FDS", "3");
  }
  const known = OPTIONS.flatMap(({ variables }) => variables);
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith("TSGI_") || known.includes(variable)) continue;
    // Other programs may have variables of that prefix, so only one that is close to ours is an error.
    const closest = closestName(variable, known, false);
    if (closest !== null) throw new UsageError(`${variable}: unknown variable${didYouMean(closest)}`);
  }
  return { place: "environment", values, describe: (name) => variables.get(name) ?? name };
}

/** The end of a message about an unknown name. */
export function didYouMean(closest: string | null): string {
  return closest === null ? "" : `: did you mean "${closest}"?`;
}

/** An option: how its value is read, and what the help says. */
interface Definition<T = unknown> {
  readonly type: OptionType<T>;
  readonly byDefault?: T;
  /** `null` for a switch. */
  readonly placeholder: string | null;
  readonly description: string;
  readonly group: string;
  readonly repeatable?: boolean;
  /** Other flags, with variables of their own. */
  readonly otherNames?: readonly string[];
  readonly otherVariables?: readonly string[];
  readonly letter?: string;
}

type WithDefault<T> = Definition<T> & { readonly byDefault: T };

/** An option that the configuration always has needs a default. */
type Definitions<T> = {
  readonly [Name in keyof T]-?: undefined extends T[Name]
    ? Definition<Exclude<T[Name], undefined>>
    : WithDefault<T[Name]>;
};

function limit(name: keyof Limits, description: string, min = 1): WithDefault<number> {
  const placeholder = name.endsWith("Ms") ? "ms" : name.endsWith("Bytes") ? "bytes" : "count";
  const byDefault = DEFAULT_LIMITS[name];
  return { type: integer(min), byDefault, placeholder, description, group: "Timeouts and limits" };
}

function workerLimit(byDefault: number, placeholder: string, description: string, min: number): WithDefault<number> {
  return { type: integer(min), byDefault, placeholder, description, group: "Workers" };
}

const options: Definitions<Config> = {
  application: {
    type: text("must name a module"),
    placeholder: "module[:export]",
    description: "The application; the same as the last argument of the command",
    group: "Application",
  },
  static: {
    type: mounts,
    byDefault: [],
    placeholder: "[/path=]folder",
    description:
      "Serve the files of a folder, below a path or before the application; several times on the command line",
    group: "Application",
    repeatable: true,
  },
  server: {
    type: oneOf(...SERVERS),
    byDefault: "socket",
    placeholder: "socket|node|bun|deno|auto",
    description:
      "The server for HTTP/1.1, on node:http (with TLS: HTTP/2 too), on Bun.serve, on Deno.serve; auto: by runtime",
    group: "Application",
  },
  accessLog: {
    type: oneOf("off", "combined", "json"),
    byDefault: "off",
    placeholder: "off|combined|json",
    description: "A line on the standard output for each response, in this format",
    group: "Application",
  },
  accessLogFile: {
    type: text("must be a path"),
    placeholder: "file",
    description: "Append the access log to this file; SIGUSR1 opens it again",
    group: "Application",
  },
  hostname: {
    type: text("must be a name or an address"),
    byDefault: "127.0.0.1",
    placeholder: "name",
    description: "Name or address to listen on; 0.0.0.0 or :: for all addresses of the machine",
    group: "Address",
    otherNames: ["host"],
  },
  port: {
    type: integer(0, 65_535),
    byDefault: 7788,
    placeholder: "number",
    description: "Port to listen on; with 0 the system chooses",
    group: "Address",
    // Most hosting platforms set it.
    otherVariables: ["PORT"],
  },
  path: {
    type: text("must be a path"),
    placeholder: "file",
    description: "Unix domain socket to listen on, in place of hostname and port",
    group: "Address",
  },
  fd: {
    type: integer(3, 65_535),
    placeholder: "number",
    description:
      "Inherited descriptor to listen on, in place of the above; 3 if LISTEN_PID and LISTEN_FDS=1 are set (systemd)",
    group: "Address",
  },
  tlsCert: {
    type: text("must be a path"),
    placeholder: "file",
    description: "HTTPS with this certificate (PEM) and its chain; read again when the file changes",
    group: "TLS",
  },
  tlsKey: {
    type: text("must be a path"),
    placeholder: "file",
    description: "The private key of the certificate (PEM)",
    group: "TLS",
  },
  tlsSelfSigned: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description: "HTTPS for development, with a new certificate at each start",
    group: "TLS",
  },
  trustedProxies: {
    type: trustedProxies,
    placeholder: "addresses|number",
    description:
      "Proxies whose fields on the client are read: addresses, networks and unix, with commas; or how many proxies there are",
    group: "Proxies",
  },
  forwardedHeader: {
    type: oneOf("x-forwarded", "forwarded"),
    byDefault: "x-forwarded",
    placeholder: "x-forwarded|forwarded",
    description: "Which fields the proxies write: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239)",
    group: "Proxies",
  },
  proxyProtocol: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description:
      "Expect a header of the PROXY protocol (version 1 or 2) on each connection; only from --trusted-proxies, by their addresses",
    group: "Proxies",
  },
  opsPort: {
    type: integer(0, 65_535),
    placeholder: "number",
    description: "Port of /live, /ready and /metrics for probes and Prometheus; with 0 the system chooses",
    group: "Operations",
  },
  opsHostname: {
    type: text("must be a name or an address"),
    byDefault: "127.0.0.1",
    placeholder: "name",
    description: "Name or address for the operations port; 0.0.0.0 or :: where probes come from outside",
    group: "Operations",
  },
  watch: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description: "Restart when code changes, and reload pages; sets NODE_ENV=development if it is not set",
    group: "Development",
  },
  watchPath: {
    type: paths,
    byDefault: [],
    placeholder: "path",
    description: "With --watch, a file or folder whose changes restart too; several times on the command line",
    group: "Development",
    repeatable: true,
  },
  workers: {
    type: either("must be a whole number from 1 to 1024, or auto", oneOf("auto"), integer(1, 1024)),
    placeholder: "number|auto",
    description: "Serve with this many processes under a supervisor; auto is one for each CPU",
    group: "Workers",
    otherVariables: ["WEB_CONCURRENCY"],
  },
  threads: {
    type: integer(1, 1024),
    placeholder: "number",
    description:
      "Threads of each worker process, each with an event loop of its own; without --workers there is one process; --watch ignores it",
    group: "Workers",
  },
  pidFile: {
    type: text("must be a path"),
    placeholder: "file",
    description: "File for the supervisor's process id; --status asks the supervisor through it",
    group: "Workers",
  },
  startTimeoutMs: workerLimit(60_000, "ms", "Time for a worker to listen; then it is killed", 1),
  stuckTimeoutMs: workerLimit(
    30_000,
    "ms",
    "Time without a turn of its event loop; then a worker is replaced; 0 is never",
    0,
  ),
  maxRequestsPerWorker: workerLimit(Number.POSITIVE_INFINITY, "count", "Requests after which a worker is replaced", 1),
  maxWorkerMemoryBytes: workerLimit(Number.POSITIVE_INFINITY, "bytes", "Memory beyond which a worker is replaced", 1),
  drainDelayMs: {
    type: integer(0, MAX_TIMER_MS),
    byDefault: 0,
    placeholder: "ms",
    description: "How long a shutdown goes on accepting connections while /ready is 503",
    group: "Timeouts and limits",
  },
  shutdownTimeoutMs: {
    type: integer(0),
    byDefault: DEFAULT_SHUTDOWN_TIMEOUT_MS,
    placeholder: "ms",
    description: "How long a shutdown waits for running requests",
    group: "Timeouts and limits",
  },
  maxHeadBytes: limit("maxHeadBytes", "Longest request head; a longer one gets 431"),
  maxTargetBytes: limit("maxTargetBytes", "Longest request target; a longer one gets 414"),
  maxFields: limit("maxFields", "Most field lines in a head; more get 431"),
  maxBodyBytes: limit("maxBodyBytes", "Longest request content; longer content gets 413", 0),
  handshakeTimeoutMs: limit("handshakeTimeoutMs", "Time for a TLS handshake; then the connection is terminated"),
  headTimeoutMs: limit("headTimeoutMs", "Time for a complete head; then the client gets 408"),
  bodyTimeoutMs: limit("bodyTimeoutMs", "Idle timeout while a client sends request content"),
  sendTimeoutMs: limit("sendTimeoutMs", "Idle timeout while a client reads the response"),
  keepAliveTimeoutMs: limit("keepAliveTimeoutMs", "Idle timeout between two requests of a connection"),
  drainIdleMs: limit("drainIdleMs", "Idle timeout between two requests during shutdown", 0),
  maxConnections: limit("maxConnections", "Most connections at the same time"),
  maxConnectionsPerClient: limit(
    "maxConnectionsPerClient",
    "Most connections at the same time from one client address",
  ),
  maxRequestsPerConnection: limit("maxRequestsPerConnection", "Most requests on one connection"),
  maxDrainBytes: limit("maxDrainBytes", "Most unread request content that is discarded to keep a connection", 0),
};

const commandOptions: Definitions<CommandOptions> = {
  config: {
    type: text("must be a path"),
    placeholder: "file",
    description: "Configuration file (default tsgi.config.ts, .js, .mjs or .json, if there is one)",
    group: "Command",
  },
  check: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description: "Check the options, print each value and its origin, and start nothing",
    group: "Command",
  },
  status: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description: "Print the workers of the supervisor that --pid-file names, and start nothing",
    group: "Command",
  },
  help: { type: toggle, byDefault: false, placeholder: null, description: "Print this", group: "Command", letter: "h" },
  version: {
    type: toggle,
    byDefault: false,
    placeholder: null,
    description: "Print the version",
    group: "Command",
    letter: "v",
  },
};

const DEFINITIONS: ReadonlyMap<string, Definition> = new Map(Object.entries<Definition>(options));

export const OPTIONS: readonly OptionInfo[] = [...DEFINITIONS].map(([name, option]) => describe(name, option));

/** The options of the command itself. They have no variables. */
export const COMMAND_OPTIONS: readonly OptionInfo[] = Object.entries<Definition>(commandOptions).map(([name, option]) =>
  describe(name, option),
);

function describe(name: string, option: Definition): OptionInfo {
  const { description, group, placeholder, repeatable = false, letter, otherNames = [], otherVariables = [] } = option;
  const flags = [name, ...otherNames].map(toFlag);
  const value = option.byDefault as Config[keyof Config];
  const defaultText = value === false ? "none" : valueText(value);
  return {
    name,
    flag: toFlag(name),
    otherFlags: [...flags.slice(1), ...(letter === undefined ? [] : [`-${letter}`])],
    variables:
      group === "Command"
        ? []
        : [...flags.map((flag) => `TSGI_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`), ...otherVariables],
    description,
    placeholder,
    repeatable,
    group,
    // Infinity is worth mentioning: the option is a limit that is off.
    defaultText: defaultText === "none" && value !== Number.POSITIVE_INFINITY ? "" : defaultText,
  };
}

function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A value for a reader, as `--check` and `--help` print it. */
export function valueText(value: Config[keyof Config]): string {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return "none";
  if (typeof value !== "object") return String(value);
  const texts = value.map((item) => (typeof item === "string" ? item : `${item.prefix}=${item.folder}`));
  return texts.join(",") || "none";
}
