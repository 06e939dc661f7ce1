/** The folders of `--static`, before an application or alone. */
import { resolve } from "node:path";
import type { Handler } from "@tsgi/gateway-spec";
import type { StaticMount } from "../option-values.ts";
import { staticFiles } from "../static-files.ts";
import { splitUrl } from "../static-files/request-path.ts";

/**
 * @param next handles what no folder has: other paths, files that do not exist, and methods other than GET and HEAD. Without it,
 * folders without an index are listed.
 * @throws Error with the code `STATIC_FILES_ROOT` if a folder does not exist.
 */
export function serveStatic(mounts: readonly StaticMount[], folder: string, next: Handler | null): Handler {
  // The longest prefix first: `/static/fonts/` is looked at before `/static/`.
  const handlers = mounts
    .map(({ prefix, folder: root }) => ({
      prefix,
      handler: staticFiles(resolve(folder, root), { prefix, listing: next === null }),
    }))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
  return async (request, exchange) => {
    const { rawPath } = splitUrl(request.url);
    const mount = handlers.find(({ prefix }) => rawPath.startsWith(prefix));
    if (mount === undefined) return next === null ? notFound() : next(request, exchange);
    const response = await mount.handler(request, exchange);
    const isAbsent = response.status === 404 || response.status === 405;
    return isAbsent && next !== null ? next(request, exchange) : response;
  };
}

function notFound() {
  return { status: 404, headers: { "content-type": "text/plain; charset=utf-8" }, body: "Not Found\n" };
}
