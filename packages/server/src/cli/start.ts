/** Starts the server that a configuration describes. A worker process calls it, and so does the command itself. */
import { resolve } from "node:path";
import type { Application, Handler, Logger, Server } from "@tsgi/gateway-spec";
import { STDERR_LOGGER } from "@tsgi/gateway-spec/server-kit";
import type { Config } from "../config.ts";
import type { SocketServeOptions, TlsCertificate } from "../options.ts";
import { loadApplication } from "./load-application.ts";
import { stampErrorLog } from "./log-time.ts";
import { importServe, serverKind } from "./server-kind.ts";

/** What to run, and where. */
export interface Start {
  readonly config: Config;
  /** Paths of the configuration are relative to it. */
  readonly folder: string;
  readonly applicationArguments: readonly string[];
  /** For `tlsSelfSigned`, where several processes share one. Default: each server makes its own. */
  readonly certificate?: TlsCertificate;
}

/** The same start, with one certificate for all processes: a browser accepts it once. */
export async function withCertificate(start: Start): Promise<Start> {
  if (!start.config.tlsSelfSigned) return start;
  const { selfSigned } = await import("../tls/self-signed.ts");
  return { ...start, certificate: selfSigned([start.config.hostname]) };
}

/**
 * Resolves when the server listens. Rejects if the application or the server cannot start.
 * @param wrap gets the handler of every request, around the access log.
 */
export async function startServer(
  start: Start,
  wrap: (handler: Handler) => Handler = (handler) => handler,
): Promise<Server> {
  stampErrorLog();
  const composed = await composeApplication(start);
  const application = { ...composed, fetch: wrap(composed.fetch) };
  const serve = await importServe(serverKind(start.config.server));
  return serve(application, serveOptions(start));
}

async function composeApplication({ config, folder, applicationArguments }: Start): Promise<Application> {
  const { application: reference, static: mounts, accessLog, accessLogFile } = config;
  const loaded = reference === undefined ? null : await loadApplication(reference, folder, applicationArguments);
  const application: Application | null = typeof loaded === "function" ? { fetch: loaded } : loaded;
  const handler: Handler | null =
    application === null ? null : (request, exchange) => application.fetch(request, exchange);
  // Imported where they are used: the media types alone take 12 ms of CPU time.
  const served =
    mounts.length === 0 && handler !== null
      ? handler
      : (await import("./static-mounts.ts")).serveStatic(mounts, folder, handler);
  const fetch = accessLog === "off" ? served : await withAccessLog(served, accessLog, accessLogFile, folder);
  if (application === null) return { fetch };
  // Not a spread: the members of a class instance are not its own.
  return {
    fetch,
    startup: (server) => application.startup?.(server),
    shutdown: (state) => application.shutdown?.(state),
  };
}

async function withAccessLog(
  handler: Handler,
  format: "combined" | "json",
  file: string | undefined,
  folder: string,
): Promise<Handler> {
  const { accessLog } = await import("@tsgi/gateway-spec/access-log");
  if (file === undefined) return accessLog({ format })(handler);
  const { LogFile } = await import("../observe/log-file.ts");
  return accessLog({ format, write: new LogFile(resolve(folder, file)).write })(handler);
}

/** The command prints information too, such as what a shutdown waits for. */
const LOGGER: Logger = {
  ...STDERR_LOGGER,
  info: (message) => {
    process.stdout.write(`tsgi: ${message}\n`);
  },
};

function serveOptions({ config, folder, certificate }: Start): SocketServeOptions {
  const {
    application: _application,
    static: _static,
    server: _server,
    accessLog: _accessLog,
    accessLogFile: _accessLogFile,
    watch: _watch,
    watchPath: _watchPath,
    workers: _workers,
    threads: _threads,
    pidFile: _pidFile,
    startTimeoutMs: _startTimeoutMs,
    stuckTimeoutMs: _stuckTimeoutMs,
    maxRequestsPerWorker: _maxRequestsPerWorker,
    maxWorkerMemoryBytes: _maxWorkerMemoryBytes,
    drainDelayMs: _drainDelayMs,
    opsPort: _opsPort,
    opsHostname: _opsHostname,
    trustedProxies,
    forwardedHeader,
    proxyProtocol,
    path,
    fd,
    tlsCert,
    tlsKey,
    tlsSelfSigned,
    ...others
  } = config;
  return {
    ...others,
    logger: LOGGER,
    ...(path !== undefined && { path }),
    ...(fd !== undefined && { fd }),
    ...(trustedProxies !== undefined && {
      proxies: { trusted: trustedProxies, header: forwardedHeader, proxyProtocol },
    }),
    ...(tlsSelfSigned && { tls: certificate ?? "self-signed" }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { tls: { cert: resolve(folder, tlsCert), key: resolve(folder, tlsKey) } }),
  };
}
