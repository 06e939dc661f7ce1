/** From an error to what a client may know of it: a problem document (RFC 9457), or a small page for a browser. */
import type { ExchangeErrorCode, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { BodyError } from "@tsgi/gateway-spec/body";
import { DatabaseError } from "./database/errors.ts";
import { HttpError, InputError, phraseOf } from "./errors.ts";
import { html } from "./html.ts";
import { fieldLines } from "./response-fields.ts";
import { reply } from "./results.ts";
import { TemplateError } from "./templates/error.ts";

/** How long a client is asked to wait after a 503 (RFC 9110 §10.2.3). */
const RETRY_AFTER_SECONDS = 5;

/** The error that the client sees. An unexpected one becomes a bare 500. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const options = { cause: error };
  if (error instanceof BodyError) {
    // RFC 9110 §15.5.16: a 415 for a content coding says which ones are accepted.
    const headers = error.code === "BODY_UNSUPPORTED_CODING" ? { "accept-encoding": "identity" } : {};
    return new HttpError(error.status, error.code, error.message, { ...options, headers });
  }
  if ((error instanceof DatabaseError && error.status === 503) || isPoolFull(error)) {
    const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
    return new HttpError(503, "SERVICE_UNAVAILABLE", "Please try again in a moment", { ...options, headers });
  }
  const bodyStatus = statusOfFailedBody(error);
  if (bodyStatus !== undefined) return new HttpError(bodyStatus, "BODY_UNREADABLE", undefined, options);
  return new HttpError(500, "INTERNAL_ERROR", undefined, options);
}

/** By name: the pool is part of `@tsgi/server`, which the framework does not import. */
function isPoolFull(error: unknown): boolean {
  return error instanceof Error && error.name === "PoolFullError";
}

/** The response for an error, in the form that the client prefers. */
export function toProblemResponse(error: HttpError, request: IncomingRequest): OutgoingResponse {
  const { status, code, message, members } = error;
  const title = phraseOf(status);
  const detail = message === title ? {} : { detail: message };
  const headers = [...fieldLines(error.headers), ["vary", "accept"] as const];
  if (prefersHtml(request.headers.get("accept") ?? "")) {
    const issues = error instanceof InputError ? error.issues : [];
    const lines = issues.map(({ field, message }) => html`<li>${field === "" ? "" : `${field}: `}${message}</li>\n`);
    const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${status} ${title}</title>
<h1>${status} ${title}</h1>
${detail.detail === undefined ? null : html`<p>${detail.detail}</p>\n`}${lines.length === 0 ? null : html`<ul>\n${lines}</ul>\n`}`;
    return reply(page, { status, headers });
  }
  // Without a "type" it is "about:blank" (RFC 9457 §3.1.1), whose title is the status's phrase (§4.2.1). "code" is our own member.
  return reply(
    { title, status, ...detail, code, ...members },
    { status, headers: [["content-type", "application/problem+json"], ...headers] },
  );
}

/** What the log says of an error: a sentence where it says everything, and the thrown value where its stack is of use. */
export function toLogEntry(error: HttpError): { readonly text: string; readonly thrown?: unknown } {
  const { cause } = error;
  if (cause instanceof TemplateError) return { text: `: ${cause.code} ${cause.message}`, thrown: cause.cause };
  if (cause instanceof DatabaseError && cause.status === 503) return { text: `: ${cause.code} ${cause.message}` };
  if (cause instanceof Error && isPoolFull(cause)) return { text: `: POOL_FULL ${cause.message}` };
  return { text: "", thrown: cause ?? error };
}

/** Errors of a server's body stream that the client caused. */
const BODY_STATUS: Partial<Record<ExchangeErrorCode, number>> = {
  REQUEST_BODY_TOO_LARGE: 413,
  REQUEST_BODY_TIMEOUT: 408,
  REQUEST_BODY_MALFORMED: 400,
  // The client is gone and gets no response.
  CLIENT_DISCONNECTED: 400,
};

function statusOfFailedBody(error: unknown): number | undefined {
  if (!(error instanceof Error) || error.name !== "ExchangeError" || !("code" in error)) return undefined;
  return BODY_STATUS[error.code as ExchangeErrorCode];
}

/** Whether Accept (RFC 9110 §12.5.1) names HTML and does not rank it below JSON. A wildcard alone does not ask for a page. */
export function prefersHtml(accept: string): boolean {
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
