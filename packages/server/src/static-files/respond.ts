/** Makes the response of a file to a request: selects the coding, evaluates conditions, selects ranges (RFC 9110 §12 to §15). */
import { randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { HeaderView, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { reasonPhrase } from "../http1/response-head.ts";
import { acceptedCodings } from "./codings.ts";
import { evaluateConditions, rangeApplies } from "./conditions.ts";
import { FileBody } from "./file-body.ts";
import { type ByteRange, selectRanges } from "./ranges.ts";
import type { Fields, Representation, Resource } from "./resource.ts";

/** A response whose body must still be read from the file. */
export interface FromFile {
  readonly representation: Representation;
  readonly respond: (handle: FileHandle) => OutgoingResponse;
}

/** @returns a {@link FromFile} if the content is not in memory. */
export function respond(request: IncomingRequest, resource: Resource): OutgoingResponse | FromFile {
  const { headers } = request;
  const representation = select(resource, headers);
  const outcome = evaluateConditions(headers, representation);
  if (outcome === 304) return { status: 304, headers: representation.notModifiedHeaders };
  if (outcome === 412) return refuse(412);

  // RFC 9110 §14.2: Range is defined for GET only.
  if (request.method === "HEAD") return { status: 200, headers: representation.headers };
  const range = headers.get("range");
  if (range !== null && rangeApplies(headers.get("if-range"), representation.etag)) {
    const ranges = selectRanges(range, representation.sizeBytes);
    if (ranges === "unsatisfiable") return refuse(416, { "content-range": `bytes */${representation.sizeBytes}` });
    if (ranges !== "ignore") return respondPartially(representation, ranges);
  }
  const { content, sizeBytes } = representation;
  if (content !== null) return { status: 200, headers: representation.headers, body: content };
  return fromFile(
    representation,
    200,
    representation.headers,
    sizeBytes === 0 ? [] : [{ first: 0, last: sizeBytes - 1 }],
  );
}

/** A refusal whose content is the reason phrase of its status. */
export function refuse(status: 400 | 404 | 405 | 412 | 416, headers: Fields = {}): OutgoingResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
    body: `${reasonPhrase(status)}\n`,
  };
}

function select({ representations }: Resource, headers: HeaderView): Representation {
  const itself = representations.at(-1);
  if (itself === undefined) throw new Error("A resource has at least one representation");
  if (representations.length === 1) return itself;
  for (const coding of acceptedCodings(headers.get("accept-encoding"))) {
    const found = representations.find((one) => one.coding === coding);
    if (found !== undefined) return found;
  }
  return itself;
}

function respondPartially(of: Representation, ranges: readonly ByteRange[]): OutgoingResponse | FromFile {
  const [only] = ranges;
  if (only !== undefined && ranges.length === 1) {
    const headers = {
      ...of.headers,
      "content-length": String(only.last + 1 - only.first),
      "content-range": contentRange(only, of),
    };
    return fromFile(of, 206, headers, [only]);
  }
  // RFC 9110 §14.6. The boundary is random, so no file can contain it on purpose.
  const boundary = randomUUID();
  const parts: (Uint8Array | ByteRange)[] = [];
  let length = 0;
  const push = (text: string) => {
    const bytes = Buffer.from(text, "latin1");
    parts.push(bytes);
    length += bytes.byteLength;
  };
  for (const [i, range] of ranges.entries()) {
    const type = of.headers["content-type"] ?? "";
    push(`${i === 0 ? "" : "\r\n"}--${boundary}\r\nContent-Type: ${type}\r\n`);
    push(`Content-Range: ${contentRange(range, of)}\r\n\r\n`);
    parts.push(range);
    length += range.last + 1 - range.first;
  }
  push(`\r\n--${boundary}--\r\n`);
  const headers = {
    ...of.headers,
    "content-type": `multipart/byteranges; boundary=${boundary}`,
    "content-length": String(length),
  };
  return fromFile(of, 206, headers, parts);
}

function fromFile(
  representation: Representation,
  status: number,
  headers: Fields,
  parts: readonly (Uint8Array | ByteRange)[],
): OutgoingResponse | FromFile {
  const { content } = representation;
  if (content === null) {
    return { representation, respond: (handle) => ({ status, headers, body: new FileBody(handle, parts) }) };
  }
  const pieces = parts.map((part) => (part instanceof Uint8Array ? part : content.subarray(part.first, part.last + 1)));
  return { status, headers, body: pieces.length === 1 ? (pieces[0] ?? null) : Buffer.concat(pieces) };
}

function contentRange({ first, last }: ByteRange, { sizeBytes }: Representation): string {
  return `bytes ${first}-${last}/${sizeBytes}`;
}
