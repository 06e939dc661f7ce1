/** Starts the server that a configuration describes. A worker process calls it, and so does the command itself. */
import { resolve } from "node:path";
import type { Application, Handler, Serve, Server } from "@tsgi/gateway-spec";
import type { Config } from "../config.ts";
import { withAccessLog } from "../observe/access-log.ts";
import type { SocketServeOptions } from "../options.ts";
import { loadApplication } from "./load-application.ts";
import { serveStatic } from "./static-mounts.ts";

/** What to run, and where. */
export interface Start {
  readonly config: Config;
  /** Paths of the configuration are relative to it. */
  readonly folder: string;
  readonly applicationArguments: readonly string[];
}

/** Resolves when the server listens. Rejects if the application or the server cannot start. */
export async function startServer(start: Start): Promise<Server> {
  const application = await composeApplication(start);
  const serve = await importServe(start.config.server);
  return serve(application, serveOptions(start));
}

async function composeApplication({ config, folder, applicationArguments }: Start): Promise<Application> {
  const { application: reference, static: mounts, accessLog } = config;
  const loaded = reference === undefined ? null : await loadApplication(reference, folder, applicationArguments);
  const application: Application | null = typeof loaded === "function" ? { fetch: loaded } : loaded;
  const handler: Handler | null =
    application === null ? null : (request, exchange) => application.fetch(request, exchange);
  const served = mounts.length === 0 && handler !== null ? handler : serveStatic(mounts, folder, handler);
  const fetch = accessLog === "off" ? served : withAccessLog(served, accessLog, process.stdout);
  if (application === null) return { fetch };
  if (fetch === handler) return application;
  return {
    fetch,
    startup: (server) => application.startup?.(server),
    shutdown: (state) => application.shutdown?.(state),
  };
}

function serveOptions({ config, folder }: Start): SocketServeOptions {
  const {
    application: _application,
    static: _static,
    server: _server,
    accessLog: _accessLog,
    watch: _watch,
    path,
    fd,
    tlsCert,
    tlsKey,
    tlsSelfSigned,
    ...others
  } = config;
  return {
    ...others,
    ...(path !== undefined && { path }),
    ...(fd !== undefined && { fd }),
    ...(tlsSelfSigned && { tls: "self-signed" }),
    ...(tlsCert !== undefined &&
      tlsKey !== undefined && { tls: { cert: resolve(folder, tlsCert), key: resolve(folder, tlsKey) } }),
  };
}

async function importServe(kind: Config["server"]): Promise<Serve<SocketServeOptions>> {
  return kind === "socket" ? (await import("../socket/index.ts")).serve : (await import("../node-http/index.ts")).serve;
}
