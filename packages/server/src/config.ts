/**
 * Every option of the `tsgi` command, once: its schema, its default, its description. The command line, the environment, the
 * configuration file, `--help`, `--check` and the README's table are made from it.
 */
import { z } from "zod";
import { closestName } from "./closest-name.ts";
import type { ForwardedHeader } from "./proxy/forwarded.ts";
import { findClient, type TrustedProxies } from "./proxy/trust.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, type Limits } from "./options.ts";

/** What the command runs with. */
export interface Config extends Limits {
  /** `module` or `module:export`. */
  readonly application?: string | undefined;
  readonly static: readonly StaticMount[];
  readonly hostname: string;
  readonly port: number;
  readonly path?: string | undefined;
  readonly fd?: number | undefined;
  readonly server: "socket" | "node";
  readonly accessLog: "off" | "combined" | "json";
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
  /** Worker processes; without it the command serves in its own process. */
  readonly workers?: number | "auto" | undefined;
  readonly pidFile?: string | undefined;
  readonly startTimeoutMs: number;
  readonly stuckTimeoutMs: number;
  readonly maxRequestsPerWorker: number;
  readonly maxWorkerMemoryBytes: number;
  readonly shutdownTimeoutMs: number;
}

/** A folder of `--static`. */
export interface StaticMount {
  /** The path that requests begin with, with a slash at both ends. */
  readonly prefix: string;
  readonly folder: string;
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
  const result = schema.safeParse(values);
  if (!result.success)
    throw new UsageError(result.error.issues.flatMap((issue) => explain(issue, values, names)).join("\n"));
  const conflict = conflictOf(result.data);
  if (conflict === null) return { config: result.data, origins };
  throw new UsageError(`${names.get(conflict.name) ?? conflict.name}: ${conflict.message}`);
}

function explain(
  issue: z.core.$ZodIssue,
  values: Readonly<Record<string, unknown>>,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map(
      (key) => `${names.get(key) ?? key}: unknown option${didYouMean(closestName(key, OPTION_NAMES))}`,
    );
  }
  const name = String(issue.path[0]);
  const value = values[name];
  const shown = typeof value === "string" || typeof value === "number" ? `, not ${JSON.stringify(value)}` : "";
  return [`${names.get(name) ?? name}: ${issue.message}${shown}`];
}

/** Two options that exclude each other, or one that needs another. */
function conflictOf({
  watch,
  workers,
  path,
  tlsCert,
  tlsKey,
  tlsSelfSigned,
  trustedProxies,
  proxyProtocol,
}: Config): { readonly name: string; readonly message: string } | null {
  if (watch && workers !== undefined) {
    return { name: "watch", message: "a watched application runs in one process: leave out --workers" };
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

/** A whole number, as a number or as decimal digits. Not `0x50`, not `1e3`, not an empty text. */
function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const message = `must be a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`;
  const digits = z.string().regex(/^\d+$/).transform(Number);
  return z
    .union([z.number(), digits], message)
    .pipe(z.number(message).int(message).min(min, message).max(max, message));
}

function limit(name: keyof Limits, description: string, min = 1) {
  const placeholder = name.endsWith("Ms") ? "ms" : name.endsWith("Bytes") ? "bytes" : "count";
  return integer(min).default(DEFAULT_LIMITS[name]).meta({ placeholder, description, group: "Timeouts and limits" });
}

function toggle() {
  return z.union([z.boolean(), z.stringbool()], "must be true or false").default(false);
}

/** `10.0.0.0/8,unix`, a list of them, or a number of proxies. */
function trustedProxies() {
  const count = integer(1, 100);
  const list = z
    .union([z.array(z.string()), z.string().transform((text) => text.split(",").map((name) => name.trim()))])
    .refine((names) => isTrustedProxies(names), "must have addresses, networks such as 10.0.0.0/8, or unix");
  return z
    .union([count, list], "must be addresses, networks such as 10.0.0.0/8 or unix, with commas; or a number")
    .optional();
}

function isTrustedProxies(names: readonly string[]): boolean {
  try {
    findClient(names);
    return true;
  } catch {
    return false;
  }
}

/** `/static=./static`, or a folder alone, which is mounted at `/`. */
function mounts() {
  const message = "must be a folder, or a path and a folder such as /static=./static";
  const one = z
    .string()
    .regex(/^(?:[^/=]|\/[^=]*$|\/[^=]*=.)/, message)
    .transform(toMount);
  const list = z.union(
    [
      z.array(one),
      z
        .string()
        .transform((text) => text.split(","))
        .pipe(z.array(one)),
    ],
    message,
  );
  return list.default([]);
}

function toMount(text: string): StaticMount {
  const at = text.startsWith("/") ? text.indexOf("=") : -1;
  if (at === -1) return { prefix: "/", folder: text };
  const path = text.slice(0, at);
  return { prefix: path.endsWith("/") ? path : `${path}/`, folder: text.slice(at + 1) };
}

function workerLimit(value: number, placeholder: string, description: string, min: number) {
  return integer(min).default(value).meta({ placeholder, description, group: "Workers" });
}

const schema = z.strictObject({
  application: z.string().min(1, "must name a module").optional().meta({
    placeholder: "module[:export]",
    description: "The application; the same as the last argument of the command",
    group: "Application",
  }),
  static: mounts().meta({
    placeholder: "[/path=]folder",
    description:
      "Serve the files of a folder, below a path or before the application; several times on the command line",
    group: "Application",
    repeatable: true,
  }),
  server: z.enum(["socket", "node"], "must be socket or node").default("socket").meta({
    placeholder: "socket|node",
    description: "The server of this package for HTTP/1.1, or the one on node:http (with TLS: HTTP/2 too)",
    group: "Application",
  }),
  accessLog: z.enum(["off", "combined", "json"], "must be off, combined or json").default("off").meta({
    placeholder: "off|combined|json",
    description: "A line on the standard output for each response, in this format",
    group: "Application",
  }),
  hostname: z
    .string()
    .min(1, "must be a name or an address")
    .default("127.0.0.1")
    .meta({
      placeholder: "name",
      description: "Name or address to listen on; 0.0.0.0 or :: for all addresses of the machine",
      group: "Address",
      otherNames: ["host"],
    }),
  port: integer(0, 65_535)
    .default(7788)
    .meta({
      placeholder: "number",
      description: "Port to listen on; with 0 the system chooses",
      group: "Address",
      // Most hosting platforms set it.
      otherVariables: ["PORT"],
    }),
  path: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "Unix domain socket to listen on, in place of hostname and port",
    group: "Address",
  }),
  fd: integer(3, 65_535).optional().meta({
    placeholder: "number",
    description:
      "Inherited descriptor to listen on, in place of the above; 3 if LISTEN_PID and LISTEN_FDS=1 are set (systemd)",
    group: "Address",
  }),
  tlsCert: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "HTTPS with this certificate (PEM) and its chain; read again when the file changes",
    group: "TLS",
  }),
  tlsKey: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "The private key of the certificate (PEM)",
    group: "TLS",
  }),
  tlsSelfSigned: toggle().meta({
    placeholder: null,
    description: "HTTPS for development, with a new certificate at each start",
    group: "TLS",
  }),
  trustedProxies: trustedProxies().meta({
    placeholder: "addresses|number",
    description:
      "Proxies whose fields on the client are read: addresses, networks and unix, with commas; or how many proxies there are",
    group: "Proxies",
  }),
  forwardedHeader: z
    .enum(["x-forwarded", "forwarded"], "must be x-forwarded or forwarded")
    .default("x-forwarded")
    .meta({
      placeholder: "x-forwarded|forwarded",
      description: "Which fields the proxies write: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239)",
      group: "Proxies",
    }),
  proxyProtocol: toggle().meta({
    placeholder: null,
    description:
      "Expect a header of the PROXY protocol (version 1 or 2) on each connection; only from --trusted-proxies, by their addresses",
    group: "Proxies",
  }),
  opsPort: integer(0, 65_535).optional().meta({
    placeholder: "number",
    description: "Port of /live, /ready and /metrics for probes and Prometheus; with 0 the system chooses",
    group: "Operations",
  }),
  opsHostname: z.string().min(1, "must be a name or an address").default("127.0.0.1").meta({
    placeholder: "name",
    description: "Name or address for the operations port; 0.0.0.0 or :: where probes come from outside",
    group: "Operations",
  }),
  watch: toggle().meta({
    placeholder: null,
    description: "Restart when a file below the working directory changes; sets NODE_ENV=development if it is not set",
    group: "Development",
  }),
  workers: z
    .union([z.literal("auto"), integer(1, 1024)], "must be a whole number from 1 to 1024, or auto")
    .optional()
    .meta({
      placeholder: "number|auto",
      description: "Serve with this many processes under a supervisor; auto is one for each CPU",
      group: "Workers",
      otherVariables: ["WEB_CONCURRENCY"],
    }),
  pidFile: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "File for the supervisor's process id; --status asks the supervisor through it",
    group: "Workers",
  }),
  startTimeoutMs: workerLimit(60_000, "ms", "Time for a worker to listen; then it is killed", 1),
  stuckTimeoutMs: workerLimit(
    30_000,
    "ms",
    "Time without a turn of its event loop; then a worker is replaced; 0 is never",
    0,
  ),
  maxRequestsPerWorker: workerLimit(Number.POSITIVE_INFINITY, "count", "Requests after which a worker is replaced", 1),
  maxWorkerMemoryBytes: workerLimit(Number.POSITIVE_INFINITY, "bytes", "Memory beyond which a worker is replaced", 1),
  shutdownTimeoutMs: integer(0).default(DEFAULT_SHUTDOWN_TIMEOUT_MS).meta({
    placeholder: "ms",
    description: "How long a shutdown waits for running requests",
    group: "Timeouts and limits",
  }),
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
}) satisfies z.ZodType<Config>;

const commandSchema = z.strictObject({
  config: z.string().optional().meta({
    placeholder: "file",
    description: "Configuration file (default tsgi.config.ts, .js, .mjs or .json, if there is one)",
  }),
  check: z.boolean().default(false).meta({
    placeholder: null,
    description: "Check the options, print each value and its origin, and start nothing",
  }),
  status: z.boolean().default(false).meta({
    placeholder: null,
    description: "Print the workers of the supervisor that --pid-file names, and start nothing",
  }),
  help: z.boolean().default(false).meta({ placeholder: null, description: "Print this", letter: "h" }),
  version: z.boolean().default(false).meta({ placeholder: null, description: "Print the version", letter: "v" }),
}) satisfies z.ZodType<CommandOptions>;

export const OPTIONS: readonly OptionInfo[] = Object.entries(schema.shape).map(([name, option]) =>
  describe(name, option),
);

/** The options of the command itself. They have no variables. */
export const COMMAND_OPTIONS: readonly OptionInfo[] = Object.entries(commandSchema.shape).map(([name, option]) =>
  describe(name, option),
);

const OPTION_NAMES: readonly string[] = OPTIONS.map(({ name }) => name);

function describe(name: string, option: z.ZodType): OptionInfo {
  const { description = "", group = "Command", placeholder, repeatable, letter, ...others } = option.meta() ?? {};
  const { otherNames = [], otherVariables = [] } = others as Partial<Record<string, readonly string[]>>;
  const flags = [name, ...otherNames].map(toFlag);
  const { data: value } = option.safeParse(undefined) as { readonly data?: Config[keyof Config] };
  const defaultText = value === false ? "none" : valueText(value);
  return {
    name,
    flag: toFlag(name),
    otherFlags: [...flags.slice(1), ...(typeof letter === "string" ? [`-${letter}`] : [])],
    variables:
      group === "Command"
        ? []
        : [...flags.map((flag) => `TSGI_${flag.slice(2).replaceAll("-", "_").toUpperCase()}`), ...otherVariables],
    description,
    placeholder: typeof placeholder === "string" ? placeholder : null,
    repeatable: repeatable === true,
    group: String(group),
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
