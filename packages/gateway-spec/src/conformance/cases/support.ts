/** Helpers of several cases. */
import { exchangeErrorCodes } from "../../lint/values.ts";
import type { Exchange, HeaderFields, IncomingRequest, OutgoingResponse } from "../../index.ts";
import type { Probe } from "../case.ts";
import { equal } from "../expect.ts";
import type { ReceivedResponse } from "../wire.ts";

export function ok(body: string, headers: HeaderFields = {}): OutgoingResponse {
  return { status: 200, headers, body };
}

/** A response with what the handler received, for the client to compare. */
export function json(value: unknown): OutgoingResponse {
  return ok(JSON.stringify(value));
}

/** The argument of {@link json}. */
export function parse(response: ReceivedResponse): unknown {
  equal(response.status, 200, "the status of the response");
  return JSON.parse(response.body.toString());
}

/** The code of an ExchangeError, or a description of any other value. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && exchangeErrorCodes.includes(code)
    ? code
    : `not an ExchangeError: ${String(error)}`;
}

/** Records `signal CODE` when the signal aborts. */
export function recordSignal(probe: Probe, { signal }: IncomingRequest): void {
  signal.addEventListener("abort", () => {
    probe.record(`signal ${codeOf(signal.reason)}`);
  });
}

/** Records `completed`, or `completed CODE` for a failure. */
export function recordCompleted(probe: Probe, { completed }: Exchange): void {
  void recordOutcome(probe, completed, "completed");
}

/** Records the text when the promise fulfils, and the text with the code when it rejects. */
export async function recordOutcome(probe: Probe, promise: Promise<unknown>, text: string): Promise<void> {
  try {
    await promise;
    probe.record(text);
  } catch (error) {
    probe.record(`${text} ${codeOf(error)}`);
  }
}

/** The last segment of the path. */
export function lastSegment(url: string): string {
  return /[^/?]*(?=\?|$)/.exec(url.slice(url.lastIndexOf("/") + 1))?.[0] ?? "";
}

/** The content with one character for each byte, or the code of its failure. */
export async function readAll({ body }: IncomingRequest): Promise<string> {
  if (body === null) return "null";
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of body) {
      if (!(piece instanceof Uint8Array)) return "a chunk that is not a Uint8Array";
      pieces.push(piece);
    }
  } catch (error) {
    return codeOf(error);
  }
  return Buffer.concat(pieces).toString("latin1");
}

/** A body that yields these chunks. */
export async function* pieces(...all: readonly (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* all;
}

/** A body that records each call of `next` and `return`, and yields what the given `next` returns. */
export function watchedBody(
  probe: Probe,
  next: (index: number) => Promise<IteratorResult<string | Uint8Array, undefined>>,
): AsyncIterable<string | Uint8Array> {
  let index = 0;
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        probe.record("next");
        return next(index++);
      },
      return: () => {
        probe.record("return");
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
}
