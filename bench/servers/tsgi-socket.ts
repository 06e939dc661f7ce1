/** The TSGI application on the socket server. */
import { serve } from "@tsgi/server/socket";
import { KEEP_ALIVE_MS, ready, tls } from "./control.ts";
import { application } from "./tsgi-application.ts";

const server = await serve(application, { keepAliveTimeoutMs: KEEP_ALIVE_MS, ...(tls === null ? {} : { tls }) });
ready(Number(new URL(server.url).port));
