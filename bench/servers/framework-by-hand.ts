/** A handler of the contract that reads a parameter and a query value itself. */
import type { Handler } from "@tsgi/gateway-spec";
import { serve } from "@tsgi/server/socket";
import { KEEP_ALIVE_MS, ready } from "./control.ts";

const handler: Handler = ({ method, url }) => {
  const mark = url.indexOf("?");
  const path = url.slice(url.indexOf("/", 8), mark === -1 ? undefined : mark);
  if (method !== "GET" || !path.startsWith("/users/")) return { status: 404 };
  const id = decodeURIComponent(path.slice("/users/".length));
  const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
  const body = JSON.stringify({ id, page: query.get("page") });
  return { status: 200, headers: { "content-type": "application/json" }, body };
};

const server = await serve(handler, { keepAliveTimeoutMs: KEEP_ALIVE_MS });
ready(Number(new URL(server.url).port));
