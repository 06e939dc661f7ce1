/** A line for each response, when it is complete or has failed. */
import type { Writable } from "node:stream";
import type { Exchange, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";

export type AccessLogFormat = "combined" | "json";

/** Wraps a handler so that each of its responses becomes a line of the log. */
export function withAccessLog(handler: Handler, format: AccessLogFormat, output: Writable): Handler {
  const toLine = format === "json" ? jsonLine : combinedLine;
  return async (request, exchange) => {
    const startedAtMs = Date.now();
    const response = await handler(request, exchange);
    const write = () => {
      output.write(`${toLine(toEntry(request, exchange, response, startedAtMs))}\n`);
    };
    exchange.completed.then(write, write);
    return response;
  };
}

interface Entry {
  readonly time: Date;
  readonly client: string | null;
  readonly method: string;
  readonly target: string;
  readonly protocol: string;
  readonly status: number;
  /** The declared length, if there is one. */
  readonly contentLength: string | null;
  readonly durationMs: number;
  readonly referer: string | null;
  readonly userAgent: string | null;
}

function toEntry(
  request: IncomingRequest,
  exchange: Exchange,
  { status, headers }: OutgoingResponse,
  startedAtMs: number,
): Entry {
  const { remoteAddress } = exchange;
  return {
    time: new Date(startedAtMs),
    client: remoteAddress?.transport === "tcp" ? remoteAddress.hostname : null,
    method: request.method,
    target: exchange.target,
    protocol: `HTTP/${exchange.protocol}`,
    status,
    contentLength: toHeaderView(headers).get("content-length"),
    durationMs: Date.now() - startedAtMs,
    referer: request.headers.get("referer"),
    userAgent: request.headers.get("user-agent"),
  };
}

function jsonLine(entry: Entry): string {
  return JSON.stringify(entry);
}

/** The Combined Log Format of Apache. */
function combinedLine({
  time,
  client,
  method,
  target,
  protocol,
  status,
  contentLength,
  referer,
  userAgent,
}: Entry): string {
  const [, weekdayless = ""] = time.toUTCString().split(", ");
  const [day, month, year, clock] = weekdayless.split(" ");
  const request = escape(`${method} ${target} ${protocol}`);
  return (
    `${client ?? "-"} - - [${day}/${month}/${year}:${clock} +0000] "${request}" ${status} ${contentLength ?? "-"} ` +
    `"${escape(referer ?? "-")}" "${escape(userAgent ?? "-")}"`
  );
}

/** A client cannot begin a new line or end a quotation. */
function escape(text: string): string {
  return text.replaceAll(/["\\\p{Cc}]/gu, (character) =>
    character === '"' || character === "\\"
      ? `\\${character}`
      : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
