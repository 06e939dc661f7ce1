/** The options of servers on a host that has an HTTP server of its own: what such a host, or the code before it, can give. */
import type { ServeOptions } from "@tsgi/gateway-spec";
import { checkOptions, type LimitOptions, OptionError, SOCKET_OPTIONS } from "../options.ts";
import type { ProxyOptions } from "../proxy/behind-proxies.ts";
import type { TlsCertificate } from "../tls/options.ts";

/** An option of the other servers that a host does not give is rejected, for a limit that is not kept is worse than none. */
export interface FetchHostOptions
  extends ServeOptions, Pick<LimitOptions, "maxBodyBytes" | "bodyTimeoutMs" | "sendTimeoutMs" | "drainIdleMs"> {
  /** Closes the server when it aborts, as `close()` does. Default: none. */
  readonly signal?: AbortSignal;
  /** HTTPS in place of HTTP, on TCP only: one certificate, which is read once. Default: none. */
  readonly tls?: TlsCertificate | "self-signed";
  /** The proxies whose fields on the client are read, without the PROXY protocol. Default: none, and the peer is the client. */
  readonly proxies?: ProxyOptions;
}

const NAMES: Readonly<Record<keyof FetchHostOptions, true>> = {
  hostname: true,
  port: true,
  path: true,
  shutdownTimeoutMs: true,
  logger: true,
  signal: true,
  maxBodyBytes: true,
  bodyTimeoutMs: true,
  sendTimeoutMs: true,
  drainIdleMs: true,
  tls: true,
  proxies: true,
};

export const FETCH_HOST_OPTIONS: ReadonlySet<string> = new Set(Object.keys(NAMES));

/**
 * @param host such as `Bun.serve`, for the message.
 * @param known the options of this server.
 * @throws OptionError for an option that does not exist, or that the host does not give.
 */
export function checkHostOptions(options: FetchHostOptions, host: string, known: ReadonlySet<string>): void {
  const { tls, proxies } = options;
  const unsupported = given(options).filter((name) => SOCKET_OPTIONS.has(name) && !known.has(name));
  for (const name of typeof tls === "object" ? given(tls) : []) {
    if (name !== "cert" && name !== "key") unsupported.push(`tls.${name}`);
  }
  if (proxies?.proxyProtocol === true) unsupported.push("proxies.proxyProtocol");
  if (unsupported.length > 0) {
    const names = unsupported.map((name) => JSON.stringify(name)).join(", ");
    throw new OptionError(
      `${host} cannot keep the option ${names}: leave it out, or use @tsgi/server/socket`,
      "UNSUPPORTED_OPTION",
    );
  }
  checkOptions(options, known);
}

function given(options: object): string[] {
  return Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}
