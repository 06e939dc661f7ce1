/**
 * A handler that serves the files of a folder: `staticFiles("./public")` runs on any TSGI server. It sends small files from memory
 * and streams large ones; it evaluates conditional and range requests (RFC 9110); it never reads outside the folder.
 *
 * @module @tsgi/server/static-files
 */
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { listFolder } from "./static-files/listing.ts";
import { ResourceMemory } from "./static-files/memory.ts";
import { decodePath, splitUrl } from "./static-files/request-path.ts";
import {
  findResource,
  type Folder,
  type FoundFolder,
  openRepresentation,
  type Resource,
} from "./static-files/resource.ts";
import { type FromFile, refuse, respond } from "./static-files/respond.ts";

/** Where the folder is in URLs, what a folder shows, and how files are cached. */
export interface StaticFilesOptions {
  /** The path of the folder in `request.url`, with a slash at both ends. Default `/`, which fits below a mount of a framework too. */
  readonly prefix?: string;
  /** The file to send for a folder; `false` for none. Default `index.html`. */
  readonly index?: string | false;
  /** Whether a folder without that file gives a page with the names in it, as `tsgi --static .` does. Default `false`. */
  readonly listing?: boolean;
  /**
   * The Cache-Control field, for all files or by the decoded path of the request. Default `no-cache`: a browser keeps the file and
   * revalidates it each time. For names that contain a hash: `public, max-age=31536000, immutable`.
   */
  readonly cacheControl?: string | ((path: string) => string);
  /** Whether names that begin with a dot are served. `/.well-known/` always is (RFC 8615). Default `false`. */
  readonly dotFiles?: boolean;
  /** Whether symbolic links inside the folder are followed, even out of it. The folder itself may be one. Default `false`. */
  readonly followSymlinks?: boolean;
  /**
   * Whether `app.js.br` and `app.js.gz` are sent in place of `app.js` to clients that accept them. A compressed file that is older
   * than its original is ignored. Default `true`.
   */
  readonly precompressed?: boolean;
  /** Largest file kept in memory, in bytes; larger ones are streamed. Default 1 MiB. */
  readonly maxMemoryFileBytes?: number;
  /** Most memory for all files, in bytes. Default 64 MiB. */
  readonly maxMemoryBytes?: number;
  /**
   * How long a look at the file system is valid, in milliseconds. 0: for one request. Default 1000, and 0 with
   * `NODE_ENV=development`, where a page must not get the style sheet of a second ago.
   */
  readonly revalidateMs?: number;
}

/**
 * Serves the files of a folder to GET and HEAD.
 * @param root a path, relative to the working directory, or a `file:` URL.
 * @throws Error with the code `STATIC_FILES_ROOT` if the folder does not exist; TypeError for a prefix without its slashes.
 */
export function staticFiles(root: string | URL, options: StaticFilesOptions = {}): Handler {
  const {
    prefix = "/",
    index = "index.html",
    cacheControl = "no-cache",
    dotFiles = false,
    revalidateMs = process.env["NODE_ENV"] === "development" ? 0 : 1000,
  } = options;
  if (!prefix.startsWith("/") || !prefix.endsWith("/")) {
    throw new TypeError(`The prefix of static files must begin and end with a slash: "${prefix}" does not`);
  }
  const folder: Folder = {
    root: realFolder(root),
    index: index === false ? null : index,
    listing: options.listing ?? false,
    followSymlinks: options.followSymlinks ?? false,
    precompressed: options.precompressed ?? true,
    maxMemoryFileBytes: options.maxMemoryFileBytes ?? 1024 * 1024,
    cacheControl: typeof cacheControl === "string" ? () => cacheControl : cacheControl,
  };
  const memory = new ResourceMemory(options.maxMemoryBytes ?? 64 * 1024 * 1024);
  const looking = new Map<string, ReturnType<typeof findResource>>();

  const fresh = (path: string): Resource | undefined => {
    const known = memory.get(path);
    return known !== undefined && performance.now() - known.checkedAtMs < revalidateMs ? known : undefined;
  };

  /** One look at a time for each path: concurrent requests share it. */
  const look = (path: string): ReturnType<typeof findResource> => {
    const pending = looking.get(path);
    if (pending !== undefined) return pending;
    const look = findResource(folder, path.slice(prefix.length), path, memory.get(path))
      .then((found) => {
        if (isResource(found)) memory.set(path, found);
        else memory.delete(path);
        return found;
      })
      .finally(() => looking.delete(path));
    looking.set(path, look);
    return look;
  };

  const send = (
    request: IncomingRequest,
    path: string,
    resource: Resource,
  ): OutgoingResponse | Promise<OutgoingResponse> => {
    const response = respond(request, resource);
    return "status" in response ? response : stream(request, path, response);
  };

  const stream = async (request: IncomingRequest, path: string, first: FromFile): Promise<OutgoingResponse> => {
    let wanted = first;
    for (let attempt = 0; attempt < 3; attempt++) {
      const handle = await openRepresentation(folder, wanted.representation);
      if (handle !== null) return wanted.respond(handle);
      // The file has changed since the last look.
      const found = await look(path);
      if (!isResource(found)) return refuse(404);
      const response = respond(request, found);
      if ("status" in response) return response;
      wanted = response;
    }
    throw new Error("The file changed between each look at it and its opening");
  };

  const lookAndSend = async (request: IncomingRequest, rawPath: string, query: string): Promise<OutgoingResponse> => {
    const decoded = decodePath(rawPath, dotFiles);
    if ("refusal" in decoded) return refuse(decoded.refusal);
    const { path } = decoded;
    if (!path.startsWith(prefix)) return refuse(404);
    const found = fresh(path) ?? (await look(path));
    if (found === null) return refuse(404);
    if (found === "lacks-slash") return redirect(rawPath, query);
    return isResource(found) ? send(request, path, found) : listFolder(found.directory, path, path !== prefix);
  };

  return (request) => {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") return refuse(405, { allow: "GET, HEAD" });
    const { rawPath, query } = splitUrl(request.url);
    // Memory is keyed by decoded paths; a path without percent-encoding is one.
    const known = rawPath.includes("%") ? undefined : fresh(rawPath);
    return known === undefined ? lookAndSend(request, rawPath, query) : send(request, rawPath, known);
  };
}

/** To the folder with the slash. Relative, because the client may know the folder by a longer path: below a mount, behind a proxy. */
function redirect(rawPath: string, query: string): OutgoingResponse {
  const name = rawPath.slice(rawPath.lastIndexOf("/") + 1);
  return { status: 308, headers: { location: `./${name}/${query}` }, body: null };
}

function isResource(found: Resource | FoundFolder | null): found is Resource {
  return typeof found === "object" && found !== null && "representations" in found;
}

function realFolder(root: string | URL): string {
  const path = resolve(typeof root === "string" ? root : fileURLToPath(root));
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return realpathSync.native(path);
  const what = found === undefined ? "there is no such folder" : "it is not a folder";
  throw Object.assign(new Error(`Cannot serve the files of ${path}: ${what}`), { code: "STATIC_FILES_ROOT" });
}
