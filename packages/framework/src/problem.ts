/** From an error to what a client may know of it: a problem document (RFC 9457), or a small page for a browser. */
import type { ExchangeErrorCode, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { BodyError } from "@tsgi/gateway-spec/body";
import { DatabaseError } from "./database/errors.ts";
import { HttpError, phraseOf } from "./errors.ts";
import { reply, toLines } from "./results.ts";
import { TemplateError } from "./templates/error.ts";

/** The error that the client is told about. What nobody planned for becomes a bare 500. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const options = { cause: error };
  if (error instanceof BodyError) return new HttpError(error.status, error.code, error.message, options);
  if (error instanceof DatabaseError && error.status === 503) {
    return new HttpError(503, "SERVICE_UNAVAILABLE", "Please try again in a moment", options);
  }
  const bodyStatus = statusOfFailedBody(error);
  if (bodyStatus !== undefined) return new HttpError(bodyStatus, "BODY_UNREADABLE", undefined, options);
  return new HttpError(500, "INTERNAL_ERROR", undefined, options);
}

/** The answer for an error, in the form that the client asks for. */
export function toProblemResponse(error: HttpError, request: IncomingRequest): OutgoingResponse {
  const { status, code, message } = error;
  const title = phraseOf(status);
  const detail = message === title ? {} : { detail: message };
  const headers = [...toLines(error.headers), ["vary", "accept"] as const];
  if (prefersHtml(request.headers.get("accept") ?? "")) {
    return reply(toPage(`${status} ${title}`, detail.detail ?? ""), { status, headers });
  }
  // Without a "type" it is "about:blank" (RFC 9457 §3.1.1), whose title is the status's phrase (§4.2.1). "code" is our own member.
  return reply(
    { title, status, ...detail, code },
    { status, headers: [["content-type", "application/problem+json"], ...headers] },
  );
}

/** What the log says of an error: a sentence where one says it all, and what was thrown where its stack is of use. */
export function toLogEntry(error: HttpError): { readonly text: string; readonly thrown?: unknown } {
  const { cause } = error;
  if (cause instanceof TemplateError) return { text: `: ${cause.code} ${cause.message}`, thrown: cause.cause };
  if (cause instanceof DatabaseError && cause.status === 503) return { text: `: ${cause.code} ${cause.message}` };
  return { text: "", thrown: cause ?? error };
}

/** What a server's body stream throws, where it is the client's doing. */
const BODY_STATUS: Partial<Record<ExchangeErrorCode, number>> = {
  REQUEST_BODY_TOO_LARGE: 413,
  REQUEST_BODY_TIMEOUT: 408,
  REQUEST_BODY_MALFORMED: 400,
  // Nobody is left to read the answer.
  CLIENT_DISCONNECTED: 400,
};

function statusOfFailedBody(error: unknown): number | undefined {
  if (!(error instanceof Error) || error.name !== "ExchangeError" || !("code" in error)) return undefined;
  return BODY_STATUS[error.code as ExchangeErrorCode];
}

/** Whether a field of Accept (RFC 9110 §12.5.1) names HTML and does not rank it below JSON. Wildcards are no browser's only wish. */
function prefersHtml(accept: string): boolean {
  let html = 0;
  let json = 0;
  for (const range of accept.toLowerCase().split(",")) {
    const [type = "", ...parameters] = range.split(";").map((piece) => piece.trim());
    const weight = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (type === "text/html" || type === "application/xhtml+xml") html = Math.max(html, weight);
    if (type === "application/json" || type === "application/problem+json") json = Math.max(json, weight);
  }
  return html > 0 && html >= json;
}

function toPage(title: string, detail: string): string {
  const heading = escapeHtml(title);
  const head = `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${heading}</title>\n<h1>${heading}</h1>\n`;
  return detail === "" ? head : `${head}<p>${escapeHtml(detail)}</p>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
