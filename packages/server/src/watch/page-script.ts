/** Puts the script of live reload into pages, at their end. */
import { type Duplex, pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { OutgoingResponse, ResponseBody } from "@tsgi/gateway-spec";
import { eachField, isWhole, openBody } from "@tsgi/gateway-spec/server-kit";
import { allowsReload, type Permission } from "./content-security-policy.ts";
import { RESERVED_PATH } from "./messages.ts";

/** A response whose header fields were read. */
export interface ReadResponse {
  readonly response: OutgoingResponse;
  readonly lines: readonly (readonly [string, string])[];
  /** The content type in lower case, or an empty text. */
  readonly type: string;
  /** Several lines are joined with a comma. */
  readonly field: (name: string) => string | null;
}

/** `null` for what is no response: the server reports it. */
export function readFields(response: OutgoingResponse): ReadResponse | null {
  const lines: [string, string][] = [];
  try {
    const { headers = [] } = response;
    eachField(headers, (name, value) => lines.push([name, value]));
    const field = (name: string) => {
      const values = lines.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
      return values.length === 0 ? null : values.join(", ");
    };
    // An iterator can be read once only.
    const isRead = Symbol.iterator in headers && (headers[Symbol.iterator]() as object) === headers;
    return {
      response: isRead ? { ...response, headers: lines } : response,
      lines,
      type: field("content-type")?.toLowerCase() ?? "",
      field,
    };
  } catch {
    return null;
  }
}

/** The response with the script of live reload at its end. As it is, where it is no page, or its policy does not allow the script. */
export function withScript({ response, lines, type, field }: ReadResponse, version: string): OutgoingResponse {
  const { status, body, trailers } = response;
  if (body === null || body === undefined || status === 206) return response;
  if (!type.startsWith("text/html") || /charset="?utf-(?:16|32)/.test(type)) return response;
  const permission = allowsReload(field("content-security-policy"));
  const decoded = permission === null ? null : decode(body, field("content-encoding"));
  if (permission === null || decoded === null) return response;
  return {
    status,
    headers: lines.filter(([name]) => !CHANGED_FIELDS.has(name.toLowerCase())),
    body: append(decoded, scriptElement(version, permission)),
    ...(trailers !== undefined && { trailers: () => trailers.call(response) }),
  };
}

/**
 * These describe the text without the script. Without a validator a browser asks for the page as a whole, and gets the version that
 * it shows.
 */
const CHANGED_FIELDS: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "content-digest",
  "repr-digest",
  "etag",
  "last-modified",
]);

function scriptElement(version: string, { nonce }: Permission): string {
  const attribute = nonce === null ? "" : ` nonce="${nonce}"`;
  return `<script src="${RESERVED_PATH}reload.js" data-version="${version}"${attribute}></script>\n`;
}

function append(body: ResponseBody, text: string): ResponseBody {
  if (typeof body === "string") return body + text;
  if (isWhole(body)) return Buffer.concat([body, Buffer.from(text)]);
  return new Followed(body, text);
}

/** A body in pieces, and a text behind it. Not a generator: its `return()` would wait for a pending piece. */
class Followed implements AsyncIterableIterator<Uint8Array | string, undefined> {
  readonly #source: ReturnType<typeof openBody>;
  #text: string | null;

  constructor(body: Exclude<ResponseBody, string | Uint8Array>, text: string) {
    this.#source = openBody(body);
    this.#text = text;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    const text = this.#text;
    if (text === null) return { done: true, value: undefined };
    const { done = false, value } = await this.#source.next();
    if (!done) return { done: false, value: value ?? "" };
    this.#text = null;
    return { done: false, value: text };
  }

  return(): Promise<IteratorResult<Uint8Array | string, undefined>> {
    this.#text = null;
    this.#source.cancel(undefined);
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** The content without its coding, or `null` for an unknown one. */
function decode(body: ResponseBody, coding: string | null): ResponseBody | null {
  if (coding === null) return body;
  const decoder = DECODERS[coding.toLowerCase()]?.();
  if (decoder === undefined) return null;
  const source = isWhole(body) ? [body] : new Followed(body, "");
  // An error reaches the reader of the decoder.
  pipeline(Readable.from(source, { objectMode: false }), decoder, () => undefined);
  return decoder;
}

/** zstd since Node 22.15. */
const DECODERS: Readonly<Partial<Record<string, () => Duplex>>> = {
  gzip: zlib.createGunzip,
  "x-gzip": zlib.createGunzip,
  deflate: zlib.createInflate,
  br: zlib.createBrotliDecompress,
  ...((zlib as Partial<typeof zlib>).createZstdDecompress !== undefined && { zstd: zlib.createZstdDecompress }),
};
