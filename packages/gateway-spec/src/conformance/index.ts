/**
 * The conformance kit: checks the rules of SPEC.md for a server from the client's end of a TCP or TLS socket.
 *
 *     for await (const { case: { name }, outcome } of runConformance({ serve })) console.log(outcome.kind, name);
 *
 * A server that cannot be started from here runs {@link conformanceApplication}, and the target is its host and port. The kit speaks
 * TLS if the `url` of the server begins with `https:`, or if the endpoint has `tls`. Where the server then selects HTTP/2 by ALPN, cases
 * that have a meaning there run over it too.
 *
 * @module @tsgi/gateway-spec/conformance
 */
import type { Handler } from "../index.ts";
import { createConformanceApplication } from "./application.ts";
import { cases } from "./cases/index.ts";

export type {
  Capability,
  ConformanceCase,
  ExchangeCase,
  Probe,
  ServerCase,
  ServerCaseContext,
  CaseContext,
} from "./case.ts";
export type { Protocol } from "./wire.ts";
export { cases } from "./cases/index.ts";
export { ConformanceError } from "./expect.ts";
export {
  type CaseOutcome,
  type CaseResult,
  type CaseRun,
  checkTarget,
  type ConformanceTarget,
  labelOf,
  runCase,
  runConformance,
  runsOf,
} from "./run.ts";

/** The application of all cases, except those that start servers themselves. Run it in one process. */
export const conformanceApplication: Handler = createConformanceApplication(
  cases.filter((one) => one.kind === "exchange"),
);
