/**
 * `multipart/form-data` (RFC 7578) as a stream of parts: fields whole, files piece by piece, no faster than they are read. The only
 * file that imports @fastify/busboy; it turns the events of that parser into one sequence with one outcome. The parser drops a
 * part whose header section is longer than its limit without an event: such a field is missing, which validation reports.
 */
import { once } from "node:events";
import { Busboy, type BusboyFileStream, type BusboyInstance } from "@fastify/busboy";
import type { IncomingRequest } from "@tsgi/gateway-spec";
import { HttpError } from "../errors.ts";

/** Limits of a form with files. Beyond one of them the response is 413. */
export interface MultipartLimits {
  /** Content of one file, in bytes. Default 10 MiB. */
  readonly maxFileBytes?: number;
  /** Number of files that were chosen. Default 10. */
  readonly maxFiles?: number;
  /** Value of one field, in bytes. Default 64 KiB. */
  readonly maxFieldBytes?: number;
  /** Number of fields that are not files, and of files that were not chosen. Default 100. */
  readonly maxFields?: number;
  /** The whole content, with the lines between the parts, in bytes. Default 32 MiB. The server has a limit of its own. */
  readonly maxTotalBytes?: number;
}

/** The limits that apply where {@link MultipartLimits} names none. */
export const DEFAULT_MULTIPART_LIMITS: Required<MultipartLimits> = {
  maxFileBytes: 10 * 1024 * 1024,
  maxFiles: 10,
  maxFieldBytes: 64 * 1024,
  maxFields: 100,
  maxTotalBytes: 32 * 1024 * 1024,
};

/** A field that is not a file. */
export interface FieldPart {
  readonly kind: "field";
  readonly name: string;
  /** Decoded as UTF-8. */
  readonly value: string;
}

/** A file, while it arrives. */
export interface FilePart {
  readonly kind: "file";
  readonly name: string;
  /** The name that the client gave, without folders. It is input: never use it as a path. */
  readonly filename: string;
  /** The media type that the client gave. It is input: look at the content before you trust it. */
  readonly type: string;
  /** Read it before the next part; what is not read is discarded then. @throws HttpError `FILE_TOO_LARGE` */
  readonly content: AsyncIterable<Uint8Array>;
}

/** A part of a form; `kind` distinguishes fields from files. */
export type Part = FieldPart | FilePart;

/** Longest header section of one part, in bytes. */
const MAX_PART_HEADER_BYTES = 16 * 1024;

/**
 * The parts of a form in their order. Leaving the loop early stops reading.
 * @throws HttpError 415 `MULTIPART_EXPECTED`; 400 `MULTIPART_MALFORMED` for content that is not whole; 413 `FILE_TOO_LARGE`,
 * `FIELD_TOO_LARGE`, `TOO_MANY_PARTS` or `MULTIPART_TOO_LARGE`.
 */
export async function* readMultipart(
  request: Pick<IncomingRequest, "headers" | "body">,
  options: MultipartLimits = {},
): AsyncGenerator<Part, void, undefined> {
  const limits = { ...DEFAULT_MULTIPART_LIMITS, ...options };
  const parser = createParser(request.headers.get("content-type") ?? "", limits);
  const parts = new PartQueue(parser, limits.maxFiles);
  const feeding = feed(request.body, parser, limits.maxTotalBytes).catch((error: unknown) => {
    parts.fail(error);
  });
  try {
    for (;;) {
      const part = await parts.next();
      if (part === null) return;
      yield part;
      if (part.kind === "file") await parts.discardRest(part);
    }
  } finally {
    parts.fail(null);
    parser.destroy();
    await feeding;
  }
}

function createParser(contentType: string, limits: Required<MultipartLimits>): BusboyInstance {
  if (!/^multipart\/form-data[\t ]*;/i.test(contentType.trim())) {
    throw new HttpError(415, "MULTIPART_EXPECTED", "The content must be multipart/form-data");
  }
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      limits: {
        fileSize: limits.maxFileBytes,
        // The queue counts those that were chosen.
        files: limits.maxFiles + limits.maxFields,
        fieldSize: limits.maxFieldBytes,
        fields: limits.maxFields,
        headerSize: MAX_PART_HEADER_BYTES,
      },
    });
  } catch (cause) {
    throw new HttpError(400, "MULTIPART_MALFORMED", "The Content-Type names no boundary", { cause });
  }
}

/** Writes the content to the parser, which says when it has room again. */
async function feed(body: IncomingRequest["body"], parser: BusboyInstance, maxTotalBytes: number): Promise<void> {
  let total = 0;
  for await (const bytes of body ?? []) {
    total += bytes.byteLength;
    if (total > maxTotalBytes) {
      throw new HttpError(413, "MULTIPART_TOO_LARGE", `The form is longer than ${maxTotalBytes} bytes`);
    }
    if (parser.destroyed) return;
    // The reader may leave while the parser is full: then it is closed, and has no room any more.
    if (!parser.write(bytes)) await Promise.race([once(parser, "drain"), once(parser, "close")]);
  }
  if (!parser.destroyed) parser.end();
}

/** Turns the parser's events into parts to wait for. The first outcome counts: the parser emits `finish` after `error` too. */
class PartQueue {
  readonly #parts: Part[] = [];
  /** The files that have not been read to their end. One chunk of the content may hold several. */
  readonly #streams = new Map<FilePart, BusboyFileStream>();
  #outcome: { readonly error: unknown } | null = null;
  #waiting: PromiseWithResolvers<void> | null = null;

  constructor(parser: BusboyInstance, maxFiles: number) {
    let chosen = 0;
    parser.on("field", (name, value, nameTruncated, valueTruncated) => {
      if (nameTruncated || valueTruncated) {
        this.fail(new HttpError(413, "FIELD_TOO_LARGE", "A field of the form is too long"));
      } else this.#add({ kind: "field", name, value });
    });
    parser.on("file", (name, stream, filename, _encoding, type) => {
      stream.on("error", (error) => {
        this.fail(malformed(error));
      });
      stream.on("limit", () => {
        this.fail(new HttpError(413, "FILE_TOO_LARGE", "A file of the form is too large"));
      });
      // A form sends a part without a file name and content for a file that was not chosen.
      if (filename !== undefined && filename !== "" && (chosen += 1) > maxFiles) {
        this.fail(tooManyParts());
        stream.destroy();
        return;
      }
      const part: FilePart = {
        kind: "file",
        name,
        filename: filename ?? "",
        type,
        content: this.#contentOf(stream),
      };
      this.#streams.set(part, stream);
      this.#add(part);
    });
    for (const event of ["partsLimit", "filesLimit", "fieldsLimit"]) {
      parser.on(event, () => {
        this.fail(tooManyParts());
      });
    }
    parser.on("error", (error) => {
      this.fail(malformed(error));
    });
    parser.on("finish", () => {
      this.#settle({ error: null });
    });
  }

  /** The next part, or `null` after the last one. */
  async next(): Promise<Part | null> {
    for (;;) {
      const part = this.#parts.shift();
      if (part !== undefined) return part;
      if (this.#outcome !== null) {
        if (this.#outcome.error !== null) throw this.#outcome.error;
        return null;
      }
      await (this.#waiting ??= Promise.withResolvers<void>()).promise;
    }
  }

  /** Discards what the consumer has not read of a file. */
  async discardRest(part: FilePart): Promise<void> {
    const stream = this.#streams.get(part);
    if (stream !== undefined && !stream.readableEnded && !stream.destroyed) {
      stream.resume();
      // A form that fails destroys the stream; `next` throws its error.
      await new Promise<void>((resolve) => {
        for (const event of ["end", "close", "error"]) stream.once(event, () => resolve());
      });
    }
    this.#streams.delete(part);
  }

  /** Ends the sequence: parts that wait are dropped, and the file that is being read fails. */
  fail(error: unknown): void {
    if (this.#outcome !== null) return;
    this.#parts.length = 0;
    this.#settle({ error });
    // After the outcome is set: the streams report this error again.
    for (const stream of this.#streams.values()) stream.destroy(error instanceof Error ? error : undefined);
  }

  #add(part: Part): void {
    this.#parts.push(part);
    this.#wake();
  }

  #settle(outcome: { readonly error: unknown }): void {
    this.#outcome ??= outcome;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  async *#contentOf(stream: BusboyFileStream): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const bytes of stream as AsyncIterable<Uint8Array>) yield bytes;
    } catch (error) {
      throw this.#outcome?.error ?? error;
    }
    if (this.#outcome?.error != null) throw this.#outcome.error;
  }
}

function tooManyParts(): HttpError {
  return new HttpError(413, "TOO_MANY_PARTS", "The form has too many fields or files");
}

function malformed(cause: unknown): HttpError {
  return new HttpError(400, "MULTIPART_MALFORMED", "The form's content is not whole", { cause });
}
