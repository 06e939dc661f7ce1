/** The head of a response, held to the rules. Field names and values are left to node, which refuses what would split it. */
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { eachField, hasNoContent, isWhole } from "@tsgi/gateway-spec/server-kit";

/** The connection is the server's. */
const CONNECTION_FIELDS = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/** @throws TypeError for a status or a length that may not be sent. */
export function frame(
  { status, headers = {}, body = null, trailers }: OutgoingResponse,
  method: string,
  version: string,
) {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError(`${status} is no final status`);
  const empty = hasNoContent(method, status);
  const sendsTrailers = trailers !== undefined && version === "1.1" && !empty;
  const lines: string[] = [];
  let length: string | undefined;
  eachField(headers, (name, value) => {
    const lower = name.toLowerCase();
    if (lower === "content-length") length = value;
    else if (!CONNECTION_FIELDS.has(lower) && (lower !== "trailer" || sendsTrailers)) lines.push(name, value);
  });
  if (!empty && (body === null || isWhole(body))) {
    const size = String(Buffer.byteLength(body ?? ""));
    if (length !== undefined && length !== size)
      throw new TypeError(`A body of ${size} bytes is announced as ${length}`);
    // Trailers need the chunked coding.
    if (!sendsTrailers) length = size;
  }
  if (length !== undefined && status !== 204) lines.push("content-length", length);
  return { lines, empty, sendsTrailers };
}
