/**
 * Reads the whole content of a request, with a limit in bytes, in the charset that its Content-Type names.
 *
 * @module @tsgi/gateway-spec/body
 */
import type { IncomingRequest } from "./index.ts";
import { takeWhole } from "./server-kit/whole-content.ts";

/** 1 MiB. Precedents: nginx 1 MiB, express 100 KiB, fastify 1 MiB. */
export const DEFAULT_BODY_LIMIT_BYTES: number = 1024 * 1024;

/** The limit of a body reader. */
export interface ReadOptions {
  /** Longest content accepted, in bytes. Default 1 MiB. */
  readonly limitBytes?: number;
}

/** The codes of {@link BodyError}. */
export type BodyErrorCode =
  | "BODY_TOO_LARGE"
  | "BODY_UNSUPPORTED_TYPE"
  | "BODY_UNSUPPORTED_CHARSET"
  | "BODY_UNSUPPORTED_CODING"
  | "BODY_MALFORMED";

const STATUS: Readonly<Record<BodyErrorCode, 400 | 413 | 415>> = {
  BODY_TOO_LARGE: 413,
  BODY_UNSUPPORTED_TYPE: 415,
  BODY_UNSUPPORTED_CHARSET: 415,
  BODY_UNSUPPORTED_CODING: 415,
  BODY_MALFORMED: 400,
};

/** What the readers throw. `status` is the status to respond with; the message may be sent, for it has only constants and numbers. */
export class BodyError extends Error {
  override readonly name = "BodyError";
  readonly code: BodyErrorCode;
  /** The status to respond with. */
  readonly status: 400 | 413 | 415;

  constructor(code: BodyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = STATUS[code];
  }
}

/** The part of a request that a reader uses. */
export type Readable = Pick<IncomingRequest, "headers" | "body">;

/**
 * The bytes of the content as received, with its Content-Encoding; an empty array if there is none.
 * @throws BodyError `BODY_TOO_LARGE` at the first byte beyond the limit, or for a Content-Length beyond it. The rest is not read.
 */
export function readBytes(request: Readable, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  return read(request, options, () => join);
}

/**
 * The content as text, in the charset of its Content-Type. Default UTF-8.
 * @throws BodyError `BODY_UNSUPPORTED_CODING` for a Content-Encoding such as gzip; `BODY_UNSUPPORTED_CHARSET`; `BODY_MALFORMED` if the
 * bytes are not valid in that charset; `BODY_TOO_LARGE`.
 */
export function readText(request: Readable, options?: ReadOptions): Promise<string> {
  return read(request, options, textReader);
}

/**
 * The content as JSON: `application/json` or any `+json` type.
 * @throws BodyError `BODY_UNSUPPORTED_TYPE`; `BODY_MALFORMED` if it is not JSON; and what {@link readText} throws.
 */
export function readJson(request: Readable, options?: ReadOptions): Promise<unknown> {
  return read(request, options, jsonReader);
}

/**
 * The content as a form: `application/x-www-form-urlencoded` (WHATWG URL §5).
 * @throws BodyError `BODY_UNSUPPORTED_TYPE`; and what {@link readText} throws.
 */
export function readForm(request: Readable, options?: ReadOptions): Promise<URLSearchParams> {
  return read(request, options, formReader);
}

/** Converts all pieces of the content. */
type Reader<T> = (pieces: readonly Uint8Array[]) => T;

/** The one asynchronous function of all readers: a second one would cost as much as decoding short content. */
async function read<T>(
  request: Readable,
  options: ReadOptions | undefined,
  readerFor: (request: Readable) => Reader<T>,
): Promise<T> {
  const reader = readerFor(request);
  const limit = options?.limitBytes ?? DEFAULT_BODY_LIMIT_BYTES;
  const whole = request.body === null ? null : takeWhole(request.body);
  if (whole !== null) {
    if (whole.byteLength > limit) throw tooLarge(limit);
    return reader([whole]);
  }
  if (Number(request.headers.get("content-length") ?? 0) > limit) throw tooLarge(limit);
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (request.body !== null) {
    for await (const piece of request.body) {
      length += piece.byteLength;
      if (length > limit) throw tooLarge(limit);
      pieces.push(piece);
    }
  }
  return reader(pieces);
}

function tooLarge(limit: number): BodyError {
  return new BodyError("BODY_TOO_LARGE", `The request body is longer than ${limit} bytes`);
}

/** Always a copy: a piece is a view of a larger read buffer, which it would keep in memory. */
function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return new Uint8Array(first);
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}

function textReader(request: Readable): Reader<string> {
  const coding = request.headers.get("content-encoding");
  // RFC 9110 §8.4.1: "identity" is reserved and means that there is no coding.
  if (coding !== null && coding.trim().toLowerCase() !== "identity") {
    throw new BodyError("BODY_UNSUPPORTED_CODING", "The request body must have no Content-Encoding");
  }
  const decoder = decoderOf(parameter(request.headers.get("content-type") ?? "", "charset"));
  return (pieces) => {
    try {
      return decoder.decode(pieces.length === 1 ? pieces[0] : join(pieces));
    } catch (cause) {
      throw new BodyError("BODY_MALFORMED", `The request body is not valid ${decoder.encoding}`, { cause });
    }
  };
}

function jsonReader(request: Readable): Reader<unknown> {
  const type = mediaType(request);
  if (type !== "application/json" && !type.endsWith("+json")) {
    throw new BodyError("BODY_UNSUPPORTED_TYPE", "The request body must be application/json");
  }
  const textOf = textReader(request);
  return (pieces) => {
    const text = textOf(pieces);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw new BodyError("BODY_MALFORMED", "The request body is not valid JSON", { cause });
    }
  };
}

function formReader(request: Readable): Reader<URLSearchParams> {
  if (mediaType(request) !== "application/x-www-form-urlencoded") {
    throw new BodyError("BODY_UNSUPPORTED_TYPE", "The request body must be application/x-www-form-urlencoded");
  }
  const textOf = textReader(request);
  return (pieces) => new URLSearchParams(textOf(pieces));
}

/** Shared, because making a decoder costs more than using it. Without `stream` it keeps no state between calls. */
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

function decoderOf(charset: string | null): TextDecoder {
  if (charset === null || charset === "utf-8") return UTF_8;
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw new BodyError("BODY_UNSUPPORTED_CHARSET", "The charset of the request body is not supported");
  }
}

/** Type and subtype of the Content-Type in lower case, without parameters. */
function mediaType(request: Readable): string {
  const field = request.headers.get("content-type") ?? "";
  if (field === "application/json") return field;
  const end = field.indexOf(";");
  return (end === -1 ? field : field.slice(0, end)).trim().toLowerCase();
}

/** RFC 9110 §5.6.6: "parameter = parameter-name "=" parameter-value", a token or a quoted string. */
function parameter(field: string, name: string): string | null {
  if (!field.includes(";")) return null;
  for (const [, key, quoted, token] of field.matchAll(/;[ \t]*([^=;\s]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g)) {
    if (key?.toLowerCase() === name) return quoted?.replaceAll(/\\(.)/g, "$1") ?? token ?? null;
  }
  return null;
}
