/** Serves an application until a signal, or the supervisor, ends it. */
import { resolve } from "node:path";
import type { Serve, Server } from "@tsgi/gateway-spec";
import type { Config } from "../config.ts";
import type { SocketServeOptions } from "../options.ts";
import { loadApplication } from "./load-application.ts";

/** Resolves once it listens; the process then lives until it is told to stop. Rejects where it cannot start. */
export async function run(config: Config & { readonly application: string }, folder: string): Promise<void> {
  // A supervisor that goes away, or wants us to, disconnects. While nothing is served yet, there is nothing to finish.
  process.once("disconnect", leave);
  const {
    application: reference,
    server: kind,
    watch: _,
    host,
    path,
    tlsCert,
    tlsKey,
    tlsSelfSigned,
    ...others
  } = config;
  const options: SocketServeOptions = {
    ...others,
    hostname: host,
    ...(path === undefined ? {} : { path }),
    ...(tlsSelfSigned ? { tls: "self-signed" } : {}),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: resolve(folder, tlsCert), key: resolve(folder, tlsKey) } }),
  };
  const application = await loadApplication(reference, folder);
  const serve = await importServe(kind);
  const server = await serve(application, options);
  process.off("disconnect", leave);
  stopWhenTold(server);
  process.stdout.write(`tsgi: ${server.url} (${kind} server, pid ${process.pid})\n`);
}

function leave(): void {
  process.exit(0);
}

async function importServe(kind: Config["server"]): Promise<Serve<SocketServeOptions>> {
  return kind === "socket" ? (await import("../socket/index.ts")).serve : (await import("../node-http/index.ts")).serve;
}

/** What a shell reports of a process that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first signal shuts down in order, a second one ends the process at once. */
function stopWhenTold(server: Server): void {
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    process.stdout.write("tsgi: shutting down\n");
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error("tsgi: the application's shutdown failed:", error);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(EXIT_CODES[signal]);
      stop();
    });
  }
  process.once("disconnect", stop);
}
