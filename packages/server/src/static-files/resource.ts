/** Finds what a path of the folder stands for, describes it by header fields, and reads it if it is small. */
import { hash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { contentType } from "mime-types";
import { type Coding, PRECOMPRESSED } from "./codings.ts";
import type { Validators } from "./conditions.ts";
import { formatHttpDate } from "./http-date.ts";

export type Fields = Readonly<Record<string, string>>;

/** One file as it was when the server looked at it. */
export interface Representation extends Validators {
  readonly coding: Coding;
  readonly file: string;
  readonly version: BigIntStats;
  /** Whether a later change of the file changes `version` too. */
  readonly settled: boolean;
  readonly sizeBytes: number;
  /** Header fields of a 200. */
  readonly headers: Fields;
  /** Header fields of a 304 (RFC 9110 §15.4.5). */
  readonly notModifiedHeaders: Fields;
  /** The whole content, or `null` for a file that is streamed. */
  readonly content: Uint8Array | null;
}

/** A file in each coding that the folder has it in; the last one is the file itself. */
export interface Resource {
  readonly representations: readonly Representation[];
  /** On the clock of `performance.now()`. */
  readonly checkedAtMs: number;
}

/** A folder that has an index or may be listed: one whose path lacks the slash at its end, and one to list. */
export type FoundFolder = "lacks-slash" | { readonly directory: string };

export interface Folder {
  /** Without symbolic links, as `realpath` gives it. */
  readonly root: string;
  readonly index: string | null;
  readonly listing: boolean;
  readonly followSymlinks: boolean;
  readonly precompressed: boolean;
  readonly maxMemoryFileBytes: number;
  readonly cacheControl: (path: string) => string;
}

/**
 * @param name decoded and checked, relative to the root. Empty or with a slash at its end, it stands for a folder.
 * @param path the argument of `cacheControl`.
 * @param previous what the path stood for before: representations that have not changed are kept.
 */
export async function findResource(
  folder: Folder,
  name: string,
  path: string,
  previous?: Resource,
): Promise<Resource | FoundFolder | null> {
  const isFolderName = name === "" || name.endsWith("/");
  const place = join(folder.root, isFolderName ? name.slice(0, -1) : name);
  const file = isFolderName && folder.index !== null ? join(place, folder.index) : place;
  const found = await look(folder, file);
  if (found?.isFile() !== true || (isFolderName && file === place)) {
    return (await isOfferedFolder(folder, place)) ? (isFolderName ? listable(folder, place) : "lacks-slash") : null;
  }

  const files: { file: string; coding: Coding; version: BigIntStats }[] = [];
  for (const { coding, suffix } of folder.precompressed ? PRECOMPRESSED : []) {
    const version = await look(folder, file + suffix);
    // An older one was compressed from other content.
    if (version?.isFile() === true && version.mtimeNs >= found.mtimeNs) {
      files.push({ file: file + suffix, coding, version });
    }
  }
  files.push({ file, coding: "identity", version: found });

  const shared = sharedFields(file, folder.cacheControl(path), files.length > 1);
  const representations: Representation[] = [];
  for (const { file, coding, version } of files) {
    const known = previous?.representations.find((one) => one.coding === coding);
    const unchanged = known?.settled === true && isSame(known.version, version) && hasFields(known, shared);
    const one = unchanged ? known : await describe(folder, file, coding, shared);
    if (one !== null) representations.push(one);
  }
  // The file may have been removed in between.
  if (representations.at(-1)?.coding !== "identity") return null;
  return { representations, checkedAtMs: performance.now() };
}

/** Opens a representation's file. `null` if it is no longer the file that was described. */
export async function openRepresentation(folder: Folder, representation: Representation): Promise<FileHandle | null> {
  const handle = await openFile(folder, representation.file);
  if (handle === null) return null;
  try {
    if (isSame(await handle.stat({ bigint: true }), representation.version)) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return null;
}

async function isOfferedFolder(folder: Folder, place: string): Promise<boolean> {
  if ((await look(folder, place))?.isDirectory() !== true) return false;
  if (folder.listing) return true;
  return folder.index !== null && (await look(folder, join(place, folder.index)))?.isFile() === true;
}

function listable(folder: Folder, directory: string): FoundFolder | null {
  return folder.listing ? { directory } : null;
}

/**
 * Times tell two versions apart only if the later change falls in another step of the file system's clock. Until this long after a
 * change, the description is not kept and has no date (RFC 9110 §8.8.2.2 has the same rule for Last-Modified).
 */
const SETTLED_AFTER_MS = 2000;

/**
 * Older dates were set by tools that remove times to make builds reproducible: 1970 (Nix, tar), 1980 (zip), 1985 (npm). They say
 * nothing about the content, and HTTP did not exist.
 */
const FIRST_CREDIBLE_SECONDS = Date.UTC(1990) / 1000;

const SECOND_NS = 1_000_000_000n;

/** Without O_NONBLOCK, opening a named pipe blocks until it has a writer. Windows has neither flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** What is there, or `null`. A path with a symbolic link anywhere in it counts as nothing, unless links are followed. */
async function look(folder: Folder, file: string): Promise<BigIntStats | null> {
  try {
    if (folder.followSymlinks) return await stat(file, { bigint: true });
    return (await realpath(file)) === file ? await lstat(file, { bigint: true }) : null;
  } catch (error) {
    return absent(error);
  }
}

/** `null` if nothing is there, or a symbolic link leads to it, even one that was created after `look`. */
async function openFile(folder: Folder, file: string): Promise<FileHandle | null> {
  if (folder.followSymlinks) return await open(file, OPEN_FLAGS).catch(absent);
  const handle = await open(file, OPEN_FLAGS | NO_FOLLOW).catch(absent);
  if (handle === null || (await isAt(handle, file))) return handle;
  await handle.close();
  return null;
}

/** Whether the open file is at this path, without a symbolic link on the way. */
async function isAt(handle: FileHandle, file: string): Promise<boolean> {
  // Linux gives the path of the open file. Elsewhere the path is looked at again, which leaves a short gap.
  const path = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
  if (path !== null) return path === file;
  const [opened, there] = await Promise.all([
    handle.stat({ bigint: true }),
    lstat(file, { bigint: true }).catch(absent),
  ]);
  return there !== null && opened.dev === there.dev && opened.ino === there.ino && (await realpath(file)) === file;
}

async function describe(folder: Folder, file: string, coding: Coding, shared: Fields): Promise<Representation | null> {
  const handle = await openFile(folder, file);
  if (handle === null) return null;
  try {
    const version = await handle.stat({ bigint: true });
    if (!version.isFile()) return null;
    const content = version.size <= folder.maxMemoryFileBytes ? await readUpTo(handle, Number(version.size)) : null;
    const sizeBytes = content?.byteLength ?? Number(version.size);
    const now = Date.now();
    const settled = now - Number(version.ctimeMs) >= SETTLED_AFTER_MS && sizeBytes === Number(version.size);
    const etag = content === null ? tagOfVersion(version, settled, coding) : tagOfContent(content, coding);
    const lastModifiedSeconds = credibleSeconds(version, now);
    const { "content-type": type = "", ...always } = shared;
    const notModifiedHeaders = Object.freeze({
      etag,
      ...(lastModifiedSeconds !== null && { "last-modified": formatHttpDate(lastModifiedSeconds) }),
      ...always,
    });
    const headers = Object.freeze({
      "content-type": type,
      "content-length": String(sizeBytes),
      ...(coding !== "identity" && { "content-encoding": coding }),
      ...notModifiedHeaders,
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
    return {
      coding,
      file,
      version,
      settled,
      sizeBytes,
      content,
      etag,
      lastModifiedSeconds,
      headers,
      notModifiedHeaders,
    };
  } finally {
    await handle.close();
  }
}

/** Strong: a hash of the bytes that are sent. The same on every machine. */
function tagOfContent(content: Uint8Array, coding: Coding): string {
  return `"${hash("sha256", content, "base64url").slice(0, 22)}${codingSuffix(coding)}"`;
}

/**
 * Of a file that is too large to read for a hash. Strong if the change time has a fraction of a second: then the system set it at the
 * last change. Images such as squashfs have whole seconds, which are the same for each build.
 */
function tagOfVersion({ size, mtimeNs, ctimeNs, ino }: BigIntStats, settled: boolean, coding: Coding): string {
  const strong = settled && ctimeNs % SECOND_NS !== 0n;
  const parts = [size, mtimeNs, ctimeNs, ino].map((part) => part.toString(36));
  return `${strong ? "" : "W/"}"${parts.join("-")}${codingSuffix(coding)}"`;
}

/** RFC 9110 §8.8.3.3: the codings of one resource have different tags. */
function codingSuffix(coding: Coding): string {
  return coding === "identity" ? "" : `-${coding}`;
}

/** The date for Last-Modified, or `null`: never one after Date (RFC 9110 §8.8.2.1). */
function credibleSeconds({ mtimeMs }: BigIntStats, nowMs: number): number | null {
  const seconds = Math.floor(Number(mtimeMs) / 1000);
  return seconds >= FIRST_CREDIBLE_SECONDS && nowMs - Number(mtimeMs) >= SETTLED_AFTER_MS ? seconds : null;
}

function sharedFields(file: string, cacheControl: string, varies: boolean): Fields {
  const fields: Fields = {
    "content-type": contentType(extname(file)) || "application/octet-stream",
    "cache-control": cacheControl,
  };
  return varies ? { ...fields, vary: "Accept-Encoding" } : fields;
}

/** Whether an earlier description has the fields of today. */
function hasFields(known: Representation, shared: Fields): boolean {
  return (
    "vary" in known.headers === "vary" in shared &&
    Object.entries(shared).every(([name, value]) => known.headers[name] === value)
  );
}

/** Gives fewer bytes only if the file has become shorter. */
async function readUpTo(handle: FileHandle, sizeBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await handle.read(buffer, filled, sizeBytes - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === sizeBytes ? buffer : buffer.subarray(0, filled);
}

/** With the change time, which a program cannot set back. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Not there, or not readable for this user: 404 for a client. Any other error is the server's. */
function absent(error: unknown): null {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string" && ABSENT.has(code)) return null;
  throw error;
}

const ABSENT = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "EPERM", "ENXIO", "EINVAL"]);
