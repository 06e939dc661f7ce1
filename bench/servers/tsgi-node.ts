/** Ours: the same application on node:http. */
import { serve } from "@tsgi/server/node";
import { KEEP_ALIVE_MS, ready } from "./control.ts";
import { application } from "./tsgi-application.ts";

const server = await serve(application, { keepAliveTimeoutMs: KEEP_ALIVE_MS });
ready(Number(new URL(server.url).port));
