/**
 * The application of the kit: every case about exchanges, selected by path, so that a server in any language can be tested by host
 * and port. The probe of a case is below the same path.
 *
 *     /request-url/r5f3a9c01/…                the handler of the case "request-url", in one run of it
 *     /request-url/r5f3a9c01/-/records        what it has recorded, as JSON
 *     /request-url/r5f3a9c01/-/recorded/text  responds when it has recorded the text
 *     /request-url/r5f3a9c01/-/release/name   releases the name
 *     /-/capabilities                         the capabilities of the server, as JSON
 *
 * Runs are kept in memory, so a server with several processes must run it in one of them.
 */
import type { Exchange, Handler, IncomingRequest, OutgoingResponse } from "../index.ts";
import type { Capability, ExchangeCase } from "./case.ts";
import { LocalProbe } from "./probe.ts";

/** How many runs are kept. Beyond it the oldest is deleted. */
const MAX_RUNS = 256;

/** The path of a run, in a target or URL that may be wrong itself. */
const RUN_PATH = /\/([a-z][a-z0-9-]*)\/(r[0-9a-f]{8})(?:\/-\/(records|recorded|release)(?:\/([^/?#]*))?)?(?=[/?#]|$)/;

interface Run {
  readonly probe: LocalProbe;
  readonly handler: Handler;
}

/** An application that runs the handlers of the given cases. */
export function createConformanceApplication(cases: readonly ExchangeCase[]): Handler {
  const byName = new Map(cases.map((one) => [one.name, one]));
  const runs = new Map<string, Run>();

  const open = (name: string, id: string): Run | null => {
    const one = byName.get(name);
    if (one === undefined) return null;
    const key = `${name}/${id}`;
    let run = runs.get(key);
    if (run === undefined) {
      const probe = new LocalProbe();
      run = { probe, handler: one.handler(probe) };
      runs.set(key, run);
      const oldest = runs.keys().next();
      if (runs.size > MAX_RUNS && oldest.done !== true) runs.delete(oldest.value);
    }
    return run;
  };

  return (request, exchange) => {
    if (request.url.endsWith("/-/capabilities")) return json(capabilities(request, exchange));
    const [, name, id, control, word] = RUN_PATH.exec(request.url) ?? [];
    const run = name === undefined || id === undefined ? null : open(name, id);
    if (run === null) return { status: 404, body: "There is no such case in the conformance kit\n" };
    if (control === undefined) return run.handler(request, exchange);
    return respondToControl(run.probe, control, decodeURIComponent(word ?? ""), request);
  };
}

async function respondToControl(
  probe: LocalProbe,
  control: string,
  word: string,
  request: IncomingRequest,
): Promise<OutgoingResponse> {
  if (control === "release") await probe.release(word);
  if (control === "recorded") {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    request.signal.addEventListener("abort", () => {
      resolve();
    });
    await Promise.race([probe.recorded(word), gone]);
  }
  return json(await probe.records());
}

function capabilities(request: IncomingRequest, exchange: Exchange): readonly Capability[] {
  const found: Capability[] = [];
  if (typeof exchange.sendInformational === "function") found.push("informational");
  if (request.trailers !== undefined) found.push("trailers");
  if (typeof exchange.upgradeWebSocket === "function") found.push("websocket");
  return found;
}

function json(value: unknown): OutgoingResponse {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
