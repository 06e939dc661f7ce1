/** The application that a process serves in place of the user's. Its argument is the failure. */
import type { Handler } from "@tsgi/gateway-spec";
import type { Failure } from "../cli/failure.ts";
import { failurePage } from "./failure-page.ts";
import type { FromApplication } from "./messages.ts";

const [, , failure = ""] = process.argv;

export const application: Handler = failurePage(JSON.parse(failure) as Failure, process.cwd(), () => {
  process.send?.({ kind: "try-again" } satisfies FromApplication);
});
