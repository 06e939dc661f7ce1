/** All cases, by area, in the order of SPEC.md as far as there is one. */
import type { ConformanceCase } from "../case.ts";
import { abortCases } from "./abort.ts";
import { connectionCases } from "./connection.ts";
import { errorCases } from "./errors.ts";
import { http2Cases } from "./http2.ts";
import { exchangeCases } from "./exchange.ts";
import { lifespanCases } from "./lifespan.ts";
import { requestBodyCases } from "./request-body.ts";
import { requestCases } from "./request.ts";
import { responseBodyCases } from "./response-body.ts";
import { responseCases } from "./response.ts";
import { shutdownCases } from "./shutdown.ts";
import { websocketCases } from "./websocket.ts";

/** Every case of the kit, in the order in which it runs. */
export const cases: readonly ConformanceCase[] = [
  ...requestCases,
  ...requestBodyCases,
  ...responseCases,
  ...responseBodyCases,
  ...abortCases,
  ...exchangeCases,
  ...errorCases,
  ...connectionCases,
  ...http2Cases,
  ...lifespanCases,
  ...shutdownCases,
  ...websocketCases,
];
