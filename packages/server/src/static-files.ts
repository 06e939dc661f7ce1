/**
 * A folder as an application: `staticFiles("./public")` runs on any TSGI server. Small files are served from memory, large ones
 * are streamed; conditional and range requests are those of RFC 9110; nothing outside the folder can be reached.
 */
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import type { Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { acceptedCodings, type Coding } from "./static-files/codings.ts";
import { ResourceMemory } from "./static-files/memory.ts";
import { decodePath, splitTarget } from "./static-files/request-path.ts";
import { findResource, type Folder, openRepresentation, type Resource } from "./static-files/resource.ts";
import { type FromFile, refuse, respond } from "./static-files/respond.ts";

export interface StaticFilesOptions {
  /** Where the folder stands in the URL space, beginning and ending with a slash. Default `/`. */
  readonly prefix?: string;
  /** The file that stands for a folder; `false` for none. Folders are never listed. Default `index.html`. */
  readonly index?: string | false;
  /**
   * The Cache-Control field, for all files or by the decoded path of the request. Default `no-cache`: a browser keeps the file but
   * asks each time, and a 304 is cheap. For names that carry a hash: `public, max-age=31536000, immutable`.
   */
  readonly cacheControl?: string | ((path: string) => string);
  /** Whether names that begin with a dot are served. `/.well-known/` always is (RFC 8615). Default `false`. */
  readonly dotFiles?: boolean;
  /** Whether symbolic links inside the folder are followed, wherever they lead. The folder itself may be one. Default `false`. */
  readonly followSymlinks?: boolean;
  /**
   * Whether `app.js.br` and `app.js.gz` are sent in place of `app.js` to clients that accept them. One that is older than its
   * original is ignored. Default `true`.
   */
  readonly precompressed?: boolean;
  /** Largest file kept in memory, in bytes; larger ones are streamed. Default 1 MiB. */
  readonly maxMemoryFileBytes?: number;
  /** Most memory for all of them, in bytes. Default 64 MiB. */
  readonly maxMemoryBytes?: number;
  /** How old a look at the file system may be, in milliseconds. 0 looks at every request. Default 1000. */
  readonly revalidateMs?: number;
}

/**
 * Serves the files of a folder to GET and HEAD.
 * @param root a path, relative to the working directory, or a `file:` URL.
 * @throws Error with the code `STATIC_FILES_ROOT` where there is no such folder; TypeError for a prefix without its slashes.
 */
export function staticFiles(root: string | URL, options: StaticFilesOptions = {}): Handler {
  const {
    prefix = "/",
    index = "index.html",
    cacheControl = "no-cache",
    dotFiles = false,
    revalidateMs = 1000,
  } = options;
  if (!prefix.startsWith("/") || !prefix.endsWith("/")) {
    throw new TypeError(`The prefix of static files begins and ends with a slash: "${prefix}" does not`);
  }
  const folder: Folder = {
    root: realFolder(root),
    index: index === false ? null : index,
    followSymlinks: options.followSymlinks ?? false,
    precompressed: options.precompressed ?? true,
    maxMemoryFileBytes: options.maxMemoryFileBytes ?? 1024 * 1024,
    cacheControl: typeof cacheControl === "string" ? () => cacheControl : cacheControl,
  };
  const memory = new ResourceMemory(options.maxMemoryBytes ?? 64 * 1024 * 1024);
  const looking = new Map<string, ReturnType<typeof findResource>>();
  const codings = memoize(acceptedCodings);

  const fresh = (path: string): Resource | undefined => {
    const known = memory.get(path);
    return known !== undefined && performance.now() - known.checkedAtMs < revalidateMs ? known : undefined;
  };

  /** One look at a time for each path, however many requests ask for it. */
  const look = (path: string): ReturnType<typeof findResource> => {
    const pending = looking.get(path);
    if (pending !== undefined) return pending;
    const look = findResource(folder, path.slice(prefix.length), path, memory.get(path))
      .then((found) => {
        if (found === null || found === "directory") memory.delete(path);
        else memory.set(path, found);
        return found;
      })
      .finally(() => looking.delete(path));
    looking.set(path, look);
    return look;
  };

  const answer = (
    request: IncomingRequest,
    path: string,
    resource: Resource,
  ): OutgoingResponse | Promise<OutgoingResponse> => {
    const response = respond(request, resource, codings);
    return "status" in response ? response : stream(request, path, response);
  };

  const stream = async (request: IncomingRequest, path: string, first: FromFile): Promise<OutgoingResponse> => {
    let wanted = first;
    for (let attempt = 0; attempt < 3; attempt++) {
      const handle = await openRepresentation(folder, wanted.representation);
      if (handle !== null) return wanted.respond(handle);
      // It was changed since it was looked at.
      const found = await look(path);
      if (found === null || found === "directory") return refuse(404);
      const response = respond(request, found, codings);
      if ("status" in response) return response;
      wanted = response;
    }
    throw new Error("The file changes faster than it can be opened");
  };

  const lookAndAnswer = async (request: IncomingRequest, target: string): Promise<OutgoingResponse> => {
    const { rawPath, query } = splitTarget(target);
    const decoded = decodePath(rawPath, dotFiles);
    if ("refusal" in decoded) return refuse(decoded.refusal);
    const { path } = decoded;
    if (!path.startsWith(prefix)) return refuse(404);
    const found = fresh(path) ?? (await look(path));
    if (found === null) return refuse(404);
    // One slash at the start and no second one: the gate saw to it, so the reference cannot name another host.
    if (found === "directory") return { status: 308, headers: { location: `${rawPath}/${query}` }, body: null };
    return answer(request, path, found);
  };

  return (request, exchange) => {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") return refuse(405, { allow: "GET, HEAD" });
    const { target } = exchange;
    // Fast path: memory is keyed by decoded paths, and a target that is nothing but a path and needs no decoding is one.
    const known = QUERY_OR_ENCODED.test(target) ? undefined : fresh(target);
    return known === undefined ? lookAndAnswer(request, target) : answer(request, target, known);
  };
}

const QUERY_OR_ENCODED = /[?%]/;

function realFolder(root: string | URL): string {
  const path = resolve(typeof root === "string" ? root : fileURLToPath(root));
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return realpathSync.native(path);
  const what = found === undefined ? "there is no such folder" : "it is not a folder";
  throw Object.assign(new Error(`Cannot serve the files of ${path}: ${what}`), { code: "STATIC_FILES_ROOT" });
}

/** Browsers send a handful of Accept-Encoding fields; whoever sends a new one each time makes us forget, not grow. */
const MAX_MEMOIZED = 128;

function memoize(parse: (field: string | null) => readonly Coding[]): (field: string | null) => readonly Coding[] {
  const known = new Map<string | null, readonly Coding[]>();
  return (field) => {
    let codings = known.get(field);
    if (codings === undefined) {
      if (known.size >= MAX_MEMOIZED) known.clear();
      known.set(field, (codings = parse(field)));
    }
    return codings;
  };
}
