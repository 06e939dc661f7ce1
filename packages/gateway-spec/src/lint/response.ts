/** Checks the response of the application, and replaces its body and trailers to check how both sides use them. */
import type { HeaderFields, IncomingRequest, OutgoingResponse } from "../index.ts";
import { hasNoContent, isWhole } from "../server-kit/response-body.ts";
import { checkedFields, checkTrailers, type Line } from "./fields.ts";
import { type Reporter, show } from "./report.ts";
import { type BodyFacts, isStream, lintPieces } from "./response-body.ts";
import { isObject, member } from "./values.ts";
import type { ExchangeWatch } from "./watch.ts";

export interface ResponseContext {
  readonly request: IncomingRequest;
  readonly watch: ExchangeWatch;
  /** The streamed bodies of earlier responses. */
  readonly sentBodies: WeakSet<object>;
}

export function lintResponse(report: Reporter, response: OutgoingResponse, context: ResponseContext): OutgoingResponse {
  if (!isObject(response) || !("status" in response)) {
    report.now("response-shape", show(response));
    return response;
  }
  const { method } = context.request;
  const { status } = response;
  checkStatus(report, status, context.watch);
  const head = checkedFields(report, response.headers);
  const contentLength = announcedLength(report, head);
  const withoutContent = hasNoContent(method, status);
  const { trailers } = response;
  const linted = { status, headers: head };

  const body: unknown = response.body;
  if (body === undefined || body === null) {
    if (contentLength !== null && contentLength > 0 && !withoutContent) {
      report.now("response-content-length", `${contentLength} without a body`);
    }
    return trailers === undefined ? linted : { ...linted, trailers: lintTrailers(report, trailers, head, context) };
  }
  if ((status === 204 || status === 205 || status === 304) && body !== "")
    report.now("response-body-not-allowed", `${show(body)} with ${status}`);
  const facts = { withoutContent, contentLength, aborted: () => context.watch.aborted, onClosed: context.watch.check };
  return {
    ...linted,
    body: lintBody(report, body as NonNullable<OutgoingResponse["body"]>, facts, context),
    ...(trailers !== undefined && { trailers: lintTrailers(report, trailers, head, context) }),
  };
}

function checkStatus(report: Reporter, status: unknown, watch: ExchangeWatch): void {
  if (watch.upgraded) {
    if (status !== 101) report.now("upgrade-response-lost", `a response with status ${show(status)}`);
  } else if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) {
    report.now("response-status", show(status));
  }
}

/** The Content-Length of the head, or `null` if there is none or it is invalid. */
function announcedLength(report: Reporter, head: readonly Line[]): number | null {
  const values = head.filter(([name]) => name === "content-length").map(([, value]) => value);
  const [value] = values;
  if (value === undefined) return null;
  if (values.length === 1 && /^[0-9]+$/.test(value)) return Number(value);
  report.now("response-content-length", values.map(show).join(" and "));
  return null;
}

function lintBody(
  report: Reporter,
  body: NonNullable<OutgoingResponse["body"]>,
  facts: BodyFacts,
  { sentBodies, watch }: ResponseContext,
): NonNullable<OutgoingResponse["body"]> {
  if (isWhole(body)) {
    const length = typeof body === "string" ? new TextEncoder().encode(body).byteLength : body.byteLength;
    if (!facts.withoutContent && facts.contentLength !== null && facts.contentLength !== length) {
      report.now("response-content-length", `${facts.contentLength} for a body of ${length} bytes`);
    }
    return body;
  }
  if (!isObject(body) || !(isStream(body) || typeof member(body, Symbol.asyncIterator) === "function")) {
    report.now(
      "response-body-kind",
      isObject(body) && Symbol.iterator in body ? `${show(body)}, a synchronous iterable` : show(body),
    );
    return body;
  }
  if (sentBodies.has(body) || member(body, "locked") === true) {
    report.now("response-body-reused", `${show(body)} that was returned before or is locked`);
  }
  sentBodies.add(body);
  const linted = lintPieces(report, body, facts);
  watch.body = linted.watch;
  return linted.body;
}

function lintTrailers(
  report: Reporter,
  trailers: NonNullable<OutgoingResponse["trailers"]>,
  head: readonly Line[],
  { watch }: ResponseContext,
): () => Promise<HeaderFields> {
  let called = false;
  return async () => {
    if (called) report.now("trailers-call", "a second call");
    else if (watch.body?.closed === false) report.now("trailers-call", "a call before the end of the body");
    called = true;
    return checkTrailers(report, await trailers(), head);
  };
}
