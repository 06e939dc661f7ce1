/** The module of a process under `--watch`: a worker that reports what it loads, and keeps browsers up to date. */
import * as nodeModule from "node:module";
import { fileURLToPath } from "node:url";
import { serveAsWorker } from "../workers/serve-as-worker.ts";
import { versionOf } from "./changes.ts";
import { LiveReload } from "./live-reload.ts";
import type { FilesChanged, FromApplication } from "./messages.ts";

const [, , version = ""] = process.argv;
const liveReload = new LiveReload(version);

serveAsWorker({
  wrap: (handler) => liveReload.wrap(handler),
  shutdownTimeoutMs: () => liveReload.shutdownTimeoutMs,
});
process.on("message", (message: FilesChanged | { readonly kind: "start" | "drain" }) => {
  if (message.kind === "files-changed") liveReload.update(message);
});
reportLoadedFiles();

function reportLoadedFiles(): void {
  const { registerHooks } = nodeModule as Partial<typeof nodeModule>;
  if (registerHooks === undefined) {
    // Before Node 22.15. Node itself then sends `watch:import` and `watch:require`, as to its own --watch.
    process.env["WATCH_REPORT_DEPENDENCIES"] = "1";
    return;
  }
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("file:") && !url.includes("/node_modules/")) {
        const file = fileURLToPath(url.replace(/[?#].*/, ""));
        send({ kind: "loaded", file, version: versionOf(file) });
      }
      return nextLoad(url, context);
    },
  });
}

function send(message: FromApplication): void {
  if (process.connected) process.send?.(message);
}
