/**
 * Every option of the `tsgi` command, once: its schema, its default, its description. The command line, the environment, the
 * configuration file, the help text and the README's table are all read from here.
 */
import { z } from "zod";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, type Limits } from "./options.ts";

/** What the command runs with. */
export interface Config extends Limits {
  /** `module` or `module:export`. */
  readonly application?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly path?: string | undefined;
  readonly server: "socket" | "node";
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsSelfSigned: boolean;
  readonly watch: boolean;
  readonly shutdownTimeoutMs: number;
}

export interface OptionInfo {
  /** As in the configuration file: `shutdownTimeoutMs`. */
  readonly name: string;
  /** As on the command line: `--shutdown-timeout-ms`. */
  readonly flag: string;
  /** In the environment: `TSGI_SHUTDOWN_TIMEOUT_MS`. */
  readonly variable: string;
  readonly description: string;
  /** What stands for the value in the help, or `null` for a switch. */
  readonly placeholder: string | null;
  /** For a reader; empty where there is none. */
  readonly defaultText: string;
}

/** Values by name from one place, which can say where one came from. */
export interface ConfigSource {
  readonly values: Readonly<Record<string, unknown>>;
  readonly describe: (name: string) => string;
}

/** A command that was not written as it should be: the message says what is wrong. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly code = "USAGE";
}

/**
 * Puts the sources together; where two have a value, the earlier one counts.
 * @throws UsageError naming each wrong value and its source.
 */
export function resolveConfig(sources: readonly ConfigSource[]): Config {
  const values: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const { values: given, describe } of sources) {
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || name in values) continue;
      values[name] = value;
      origins.set(name, describe(name));
    }
  }
  const result = schema.safeParse(values);
  if (result.success) {
    const conflict = conflictOf(result.data);
    if (conflict === null) return result.data;
    const [name, message] = conflict;
    throw new UsageError(`${origins.get(name) ?? name}: ${message}`);
  }
  const wrong = result.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${origins.get(key) ?? key}: there is no such option`)
      : [`${origins.get(String(issue.path[0])) ?? issue.path.join(".")}: ${issue.message}`],
  );
  throw new UsageError(wrong.join("\n"));
}

/** An option that does not go with another one, and why. */
function conflictOf({ path, tlsCert, tlsKey, tlsSelfSigned }: Config): readonly [name: string, message: string] | null {
  if (tlsCert !== undefined && tlsKey === undefined) return ["tlsCert", "the certificate's key is missing (--tls-key)"];
  if (tlsKey !== undefined && tlsCert === undefined) return ["tlsKey", "the key's certificate is missing (--tls-cert)"];
  if (tlsSelfSigned && tlsCert !== undefined) return ["tlsSelfSigned", "there is a certificate already (--tls-cert)"];
  if (path !== undefined && (tlsSelfSigned || tlsCert !== undefined)) return ["path", "TLS needs a port"];
  return null;
}

/** The values that the environment holds; an empty variable counts as none. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>): ConfigSource {
  const values: Record<string, string> = {};
  const variables = new Map<string, string>();
  for (const { name, variable } of OPTIONS) {
    // PORT is what most hosting platforms set.
    for (const candidate of name === "port" ? [variable, "PORT"] : [variable]) {
      const value = environment[candidate];
      if (value === undefined || value === "" || name in values) continue;
      values[name] = value;
      variables.set(name, candidate);
    }
  }
  return { values, describe: (name) => variables.get(name) ?? name };
}

/** A whole number, from a configuration file or as text. Text such as `0x50`, `1e3` or nothing is none. */
function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const message = `must be a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`;
  const digits = z.string().regex(/^\d+$/).transform(Number);
  return z
    .union([z.number(), digits], message)
    .pipe(z.number(message).int(message).min(min, message).max(max, message));
}

function limit(name: keyof Limits, description: string, min = 1) {
  const placeholder = name.endsWith("Ms") ? "ms" : name.endsWith("Bytes") ? "bytes" : "count";
  return integer(min).default(DEFAULT_LIMITS[name]).meta({ placeholder, description });
}

const schema = z.strictObject({
  application: z.string().min(1, "must name a module").optional().meta({
    placeholder: "module[:export]",
    description: "What to run; the same as the last word of the command",
  }),
  host: z.string().min(1, "must be a name or an address").default("127.0.0.1").meta({
    placeholder: "name",
    description: "Name or address to listen on; 0.0.0.0 or :: is the whole network",
  }),
  port: integer(0, 65_535).default(7788).meta({
    placeholder: "number",
    description: "Port to listen on; 0 lets the system choose; PORT is read too",
  }),
  path: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "Unix domain socket to listen on, in place of host and port",
  }),
  server: z.enum(["socket", "node"], "must be socket or node").default("socket").meta({
    placeholder: "socket|node",
    description: "Our own HTTP/1.1, or node:http (with TLS: HTTP/2 too)",
  }),
  tlsCert: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "HTTPS with this certificate (PEM), and those that lead to its root; read again when it changes",
  }),
  tlsKey: z.string().min(1, "must be a path").optional().meta({
    placeholder: "file",
    description: "The certificate's private key (PEM)",
  }),
  tlsSelfSigned: z.union([z.boolean(), z.stringbool()], "must be true or false").default(false).meta({
    placeholder: null,
    description: "HTTPS for development, with a certificate that is made at each start",
  }),
  watch: z.union([z.boolean(), z.stringbool()], "must be true or false").default(false).meta({
    placeholder: null,
    description: "Restart when a file below the working directory changes",
  }),
  shutdownTimeoutMs: integer(0).default(DEFAULT_SHUTDOWN_TIMEOUT_MS).meta({
    placeholder: "ms",
    description: "How long a shutdown waits for running exchanges",
  }),
  maxHeadBytes: limit("maxHeadBytes", "Longest request head; beyond it 431"),
  maxTargetBytes: limit("maxTargetBytes", "Longest request target; beyond it 414"),
  maxFields: limit("maxFields", "Most field lines in a head; beyond it 431"),
  maxBodyBytes: limit("maxBodyBytes", "Longest request content; beyond it 413", 0),
  handshakeTimeoutMs: limit("handshakeTimeoutMs", "Time for a TLS handshake; beyond it the connection is cut"),
  headTimeoutMs: limit("headTimeoutMs", "Time for a head to arrive whole; beyond it 408"),
  bodyTimeoutMs: limit("bodyTimeoutMs", "Silence of a client that owes content"),
  sendTimeoutMs: limit("sendTimeoutMs", "Silence of a client that does not take the response"),
  keepAliveTimeoutMs: limit("keepAliveTimeoutMs", "Silence between two exchanges of a connection"),
  drainIdleMs: limit("drainIdleMs", "While shutting down, time for a request on its way on an idle connection", 0),
  maxConnections: limit("maxConnections", "Connections held at once"),
  maxConnectionsPerClient: limit("maxConnectionsPerClient", "The same, from one client address"),
  maxRequestsPerConnection: limit("maxRequestsPerConnection", "Exchanges on one connection"),
  maxDrainBytes: limit("maxDrainBytes", "Unread request content read away to keep a connection", 0),
}) satisfies z.ZodType<Config>;

export const OPTIONS: readonly OptionInfo[] = Object.entries(schema.shape).map(([name, option]) => {
  const { description = "", placeholder } = option.meta() ?? {};
  const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const { data: value } = option.safeParse(undefined);
  return {
    name,
    flag: `--${words}`,
    variable: `TSGI_${words.replaceAll("-", "_").toUpperCase()}`,
    description,
    placeholder: typeof placeholder === "string" ? placeholder : null,
    defaultText:
      value === undefined || value === false ? "" : value === Number.POSITIVE_INFINITY ? "none" : String(value),
  };
});
