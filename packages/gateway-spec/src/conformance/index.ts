/**
 * The conformance kit: what SPEC.md asks of a server, held to it from the client's end of a TCP or TLS socket.
 *
 *     for await (const { case: { name }, outcome } of runConformance({ serve })) console.log(outcome.kind, name);
 *
 * A server that cannot be started from here runs {@link conformanceApplication}, and is given by host and port. TLS is spoken
 * where the `url` of what `serve` gave begins with `https:`, or where the endpoint says `tls`.
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
export { cases } from "./cases/index.ts";
export { ConformanceError } from "./expect.ts";
export { type CaseOutcome, type CaseResult, type ConformanceTarget, runCase, runConformance } from "./run.ts";

/** The one application that plays every case but those that start servers themselves. Run it in one process. */
export const conformanceApplication: Handler = createConformanceApplication(
  cases.filter((one) => one.kind === "exchange"),
);
