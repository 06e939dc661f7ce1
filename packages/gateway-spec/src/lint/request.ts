/** Checks the request of the server, and replaces it by one that checks how the application uses it. */
import { isPromiseLike } from "../server-kit/handler-result.ts";
import { TOKEN } from "../server-kit/fields.ts";
import type { Exchange, HeaderView, IncomingRequest } from "../index.ts";
import { isFieldValue } from "./fields.ts";
import { guard } from "./guard.ts";
import { type Reporter, show } from "./report.ts";
import { isAbortSignal, isExchangeError, isObject, member } from "./values.ts";

export function lintRequest(report: Reporter, request: IncomingRequest, exchange: Exchange): IncomingRequest {
  checkStartLine(report, request, exchange);
  checkHeaders(report, request.headers);
  const signal = isAbortSignal(request.signal) && request.signal === request.signal ? request.signal : null;
  if (signal === null) report.now("signal-kind", show(request.signal));
  const body = lintBody(report, request, exchange);
  const headers = lintHeaders(report, request.headers);
  const members = {
    get method() {
      return request.method;
    },
    get url() {
      return request.url;
    },
    get headers() {
      return headers;
    },
    get body() {
      return body;
    },
    get signal() {
      return request.signal;
    },
  };
  const { trailers } = Object.getOwnPropertyDescriptors({
    get trailers() {
      return lintTrailers(report, request.trailers, body);
    },
  });
  // A server that cannot receive trailers has no such member, and an application may test for it by `in`.
  if ("trailers" in request) Object.defineProperty(members, "trailers", trailers);
  return guard(report, "the request", members);
}

function checkStartLine(report: Reporter, request: IncomingRequest, exchange: Exchange): void {
  const { method, url } = request;
  if (typeof method !== "string" || !TOKEN.test(method)) report.now("request-method", show(method));
  if (typeof url !== "string" || !/^https?:\/\/[^/?#]+/.test(url) || url.includes("#") || !URL.canParse(url)) {
    report.now("request-url", show(url));
    return;
  }
  if (url.startsWith("https:") !== exchange.encrypted) {
    report.now("request-url-scheme", `${show(url)} and encrypted ${String(exchange.encrypted)}`);
  }
  if (typeof exchange.target === "string" && !keepsTriplets(exchange.target, url)) {
    report.now("request-url", `${show(url)} for the target ${show(exchange.target)}`);
  }
}

/** Whether the URL has the percent-encoding of the target: nothing was decoded or encoded twice. */
function keepsTriplets(target: string, url: string): boolean {
  const wanted = triplets(target);
  const given = triplets(url);
  // A URL parser may encode other characters too, so the URL may have more percent-encoded octets than the target.
  let found = 0;
  for (const triplet of given) if (triplet === wanted[found]) found += 1;
  return found === wanted.length && percents(given) === percents(wanted);
}

function triplets(text: string): readonly string[] {
  return (text.match(/%[0-9a-f]{2}/gi) ?? []).map((triplet) => triplet.toUpperCase());
}

function percents(list: readonly string[]): number {
  return list.filter((triplet) => triplet === "%25").length;
}

function checkHeaders(report: Reporter, headers: HeaderView): void {
  const seen = new Set<string>();
  for (const [name, value] of headers) {
    if (typeof name !== "string" || !TOKEN.test(name) || name !== name.toLowerCase()) {
      report.now("request-header-name", show(name));
      continue;
    }
    if (!isFieldValue(value)) report.now("request-header-value", `${name}: ${show(value)}`);
    if (name === "set-cookie") continue;
    if (seen.has(name)) report.now("request-header-joined", `${name} twice`);
    else if (headers.get(name) !== value || !headers.has(name)) {
      report.now("request-header-joined", `${name}: ${show(value)}, but ${show(headers.get(name))} from get`);
    }
    seen.add(name);
  }
  const absent = headers.get("x-tsgi-lint-absent");
  if (absent !== null || headers.has("x-tsgi-lint-absent")) {
    report.now("request-header-joined", `${show(absent)} from get of an absent field`);
  }
}

function lintHeaders(report: Reporter, headers: HeaderView): HeaderView {
  const lower = (name: string) => {
    if (name !== name.toLowerCase()) report.now("header-lookup-case", show(name));
    return name;
  };
  return {
    get: (name) => headers.get(lower(name)),
    has: (name) => headers.has(lower(name)),
    [Symbol.iterator]: () => headers[Symbol.iterator](),
  };
}

type LintedBody = AsyncIterable<Uint8Array> & { trailersArrived: boolean };

function lintBody(report: Reporter, request: IncomingRequest, exchange: Exchange): LintedBody | null {
  const { body, headers } = request;
  const coded = headers.has("transfer-encoding");
  const length = coded ? null : Number(headers.get("content-length") ?? Number.NaN);
  if (body === null || !isObject(body) || typeof member(body, Symbol.asyncIterator) !== "function") {
    if (body !== null) report.now("request-body-presence", show(body));
    else if (coded || (length ?? 0) > 0) report.now("request-body-presence", "null for a message with content");
    return null;
  }
  // A web Request with a body may lack the framing fields, so only an empty body shows the violation.
  const unframed = !coded && !headers.has("content-length") && exchange.protocol !== "2";

  let opened = false;
  let bytes = 0;
  let last: Uint8Array | null = null;
  let copy: Uint8Array | null = null;

  const check = (result: IteratorResult<unknown>) => {
    if (last !== null && copy !== null && !sameBytes(last, copy)) {
      report.now("request-body-chunk-reused", "a chunk that changed while the next one was read");
    }
    if (result.done === true) {
      if (length !== null && !Number.isNaN(length) && bytes !== length) {
        report.now("request-body-length", `an end after ${bytes} bytes of ${length}`);
      }
      if (unframed && bytes === 0) report.now("request-body-presence", "an empty body without a framing field");
      return;
    }
    const chunk = result.value;
    if (!(chunk instanceof Uint8Array)) {
      report.now("request-body-chunk", show(chunk));
      return;
    }
    bytes += chunk.byteLength;
    last = chunk;
    copy = chunk.slice();
  };

  return {
    trailersArrived: false,
    [Symbol.asyncIterator]() {
      if (opened) report.now("request-body-read-twice", "a second iterator");
      opened = true;
      const iterator = body[Symbol.asyncIterator]();
      return {
        next: async () => {
          // Trailers may fulfil after the last chunk, before the pull that reports the end.
          const late = this.trailersArrived;
          let result;
          try {
            result = await iterator.next();
          } catch (error) {
            if (!isExchangeError(error)) report.now("request-body-error", show(error), error);
            throw error;
          }
          if (late && result.done !== true) report.now("request-trailers", "trailers before the end of the body");
          check(result);
          return result;
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

function lintTrailers(
  report: Reporter,
  trailers: Promise<HeaderView> | undefined,
  body: LintedBody | null,
): Promise<HeaderView> {
  const linted = (async () => {
    if (!isPromiseLike(trailers)) report.now("request-trailers", show(trailers));
    let view;
    try {
      view = await trailers;
    } catch (error) {
      if (!isExchangeError(error)) report.now("request-trailers", `a rejection with ${show(error)}`, error);
      throw error;
    }
    if (!isObject(view) || typeof member(view, "get") !== "function") report.now("request-trailers", show(view));
    if (body !== null) body.trailersArrived = true;
    return view as HeaderView;
  })();
  linted.catch(() => undefined);
  return linted;
}

/** Whether a chunk is unchanged. One whose memory was transferred is empty, and counts as unchanged. */
export function sameBytes(chunk: Uint8Array, copy: Uint8Array): boolean {
  return chunk.byteLength !== copy.byteLength || chunk.every((byte, index) => byte === copy[index]);
}
