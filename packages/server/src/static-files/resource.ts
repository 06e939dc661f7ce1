/** What lies under a path of the folder: looked at, described by its header fields and, where it is small, read. */
import { isAscii } from "node:buffer";
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { contentType } from "mime-types";
import { type Coding, PRECOMPRESSED } from "./codings.ts";
import type { Validators } from "./conditions.ts";
import { formatHttpDate } from "./http-date.ts";

export type Fields = Readonly<Record<string, string>>;

/** One file as it was when looked at. */
export interface Representation extends Validators {
  readonly coding: Coding;
  readonly file: string;
  readonly version: BigIntStats;
  readonly sizeBytes: number;
  /** Header fields of a 200. One frozen record for all responses, so that a server may know it again. */
  readonly headers: Fields;
  /** Those that a 304 keeps (RFC 9110 §15.4.5). */
  readonly notModifiedHeaders: Fields;
  /** The whole content, or `null` for a file that is streamed. */
  readonly content: Uint8Array | null;
  /** The same as a body: short ASCII as a string, which cannot change, so that a server may know it again. */
  readonly body: string | Uint8Array | null;
}

/** A file in all the codings it lies there in; the last one is the file itself. */
export interface Resource {
  readonly representations: readonly Representation[];
  /** Of `performance.now()`. */
  readonly checkedAtMs: number;
}

export interface Folder {
  /** Without symbolic links, as `realpath` gives it. */
  readonly root: string;
  readonly index: string | null;
  readonly followSymlinks: boolean;
  readonly precompressed: boolean;
  readonly maxMemoryFileBytes: number;
  readonly cacheControl: (path: string) => string;
}

/**
 * @param name decoded and safe, relative to the root; empty or with a trailing slash it asks for the index.
 * @param path what `cacheControl` is asked with.
 * @param previous what was there before: representations that have not changed are taken over.
 * @returns `directory` for one that has an index; `null` where there is nothing to serve.
 */
export async function findResource(
  folder: Folder,
  name: string,
  path: string,
  previous?: Resource,
): Promise<Resource | "directory" | null> {
  const wantsIndex = name === "" || name.endsWith("/");
  if (wantsIndex && folder.index === null) return null;
  const file = join(folder.root, wantsIndex ? name + folder.index : name);
  const found = await look(folder, file);
  if (found?.isDirectory() === true && !wantsIndex && folder.index !== null) {
    return (await look(folder, join(file, folder.index)))?.isFile() === true ? "directory" : null;
  }
  if (found?.isFile() !== true) return null;

  const files: { file: string; coding: Coding; version: BigIntStats }[] = [];
  for (const { coding, suffix } of folder.precompressed ? PRECOMPRESSED : []) {
    const version = await look(folder, file + suffix);
    // An older one was made of something else.
    if (version?.isFile() === true && version.mtimeNs >= found.mtimeNs) {
      files.push({ file: file + suffix, coding, version });
    }
  }
  files.push({ file, coding: "identity", version: found });

  const shared = sharedFields(file, folder.cacheControl(path), files.length > 1);
  const representations: Representation[] = [];
  for (const { file, coding, version } of files) {
    const known = previous?.representations.find((one) => one.coding === coding);
    const unchanged = known?.strong === true && isSame(known.version, version) && carries(known, shared);
    const one = unchanged ? known : await describe(folder, file, coding, shared);
    if (one !== null) representations.push(one);
  }
  // The file may have gone between two looks.
  if (representations.at(-1)?.coding !== "identity") return null;
  return { representations, checkedAtMs: performance.now() };
}

/** Opens a representation's file. `null`: it is no longer the one that was described. */
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

/**
 * A modification time tells versions apart only where it is older than the clock's step: a file can change twice within one.
 * Until then its tag is weak and its content is not kept. RFC 9110 §8.8.2.2 does the same with Last-Modified.
 */
const SETTLED_AFTER_MS = 2000;

/** Longest content kept as text too. */
const MAX_TEXT_BYTES = 4096;

/** Without O_NONBLOCK, opening a named pipe waits for its writer for ever. Windows has neither flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** What is there, or `null`. A symbolic link anywhere on the way is nothing, unless links are followed. */
async function look(folder: Folder, file: string): Promise<BigIntStats | null> {
  try {
    if (folder.followSymlinks) return await stat(file, { bigint: true });
    return (await realpath(file)) === file ? await lstat(file, { bigint: true }) : null;
  } catch (error) {
    return absent(error);
  }
}

/** `null`: nothing there, or a symbolic link led to it, even one that was put in the way after we looked. */
async function openFile(folder: Folder, file: string): Promise<FileHandle | null> {
  if (folder.followSymlinks) return await open(file, OPEN_FLAGS).catch(absent);
  const handle = await open(file, OPEN_FLAGS | NO_FOLLOW).catch(absent);
  if (handle === null || (await isAt(handle, file))) return handle;
  await handle.close();
  return null;
}

/** Whether what is open lies under this very path, without a symbolic link on the way. */
async function isAt(handle: FileHandle, file: string): Promise<boolean> {
  // Linux tells of the open file itself. Elsewhere the path is looked at once more, which leaves a gap for who is fast enough.
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
    const strong = Date.now() - Number(version.mtimeMs) >= SETTLED_AFTER_MS && sizeBytes === Number(version.size);
    const suffix = coding === "identity" ? "" : `-${coding}`;
    const lastModifiedSeconds = Math.floor(Number(version.mtimeMs) / 1000);
    const etag = `${strong ? "" : "W/"}"${sizeBytes.toString(36)}-${version.mtimeNs.toString(36)}${suffix}"`;
    const lastModified = formatHttpDate(lastModifiedSeconds);
    const { "content-type": type = "", ...always } = shared;
    const notModifiedHeaders = Object.freeze({ etag, "last-modified": lastModified, ...always });
    const headers = Object.freeze({
      "content-type": type,
      "content-length": String(sizeBytes),
      ...(coding === "identity" ? {} : { "content-encoding": coding }),
      ...notModifiedHeaders,
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
    return {
      coding,
      file,
      version,
      sizeBytes,
      content,
      body:
        content === null || content.byteLength > MAX_TEXT_BYTES || !isAscii(content)
          ? content
          : content.toString("ascii"),
      strong,
      etag,
      lastModified,
      lastModifiedSeconds,
      headers,
      notModifiedHeaders,
    };
  } finally {
    await handle.close();
  }
}

function sharedFields(file: string, cacheControl: string, varies: boolean): Fields {
  const fields: Fields = {
    "content-type": contentType(extname(file)) || "application/octet-stream",
    "cache-control": cacheControl,
  };
  return varies ? { ...fields, vary: "Accept-Encoding" } : fields;
}

/** Whether a description still says what it would say today. */
function carries(known: Representation, shared: Fields): boolean {
  return (
    "vary" in known.headers === "vary" in shared &&
    Object.entries(shared).every(([name, value]) => known.headers[name] === value)
  );
}

/** Fewer bytes only where the file has become shorter meanwhile. */
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

/** The change time too: who sets a modification time back cannot set that. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Nothing there, or nothing that we may read: to a client both are 404. Anything else is the server's trouble. */
function absent(error: unknown): null {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code === "string" && ABSENT.has(code)) return null;
  throw error;
}

const ABSENT = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP", "EACCES", "EPERM", "ENXIO", "EINVAL"]);
