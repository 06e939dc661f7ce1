/** The application that both TSGI servers run. */
import type { Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { readJson } from "@tsgi/gateway-spec/body";
import { staticFiles } from "@tsgi/server/static-files";
import { root } from "./control.ts";
import { SLOW } from "./slow.ts";

const files = staticFiles(root);

export const application: Handler = (request, exchange) => {
  const { target } = exchange;
  if (target === "/json") return json({ message: "Hello, world!" });
  if (target === "/echo") return echo(request);
  if (target.startsWith("/files/")) return files(request, exchange);
  const slow = SLOW[target];
  if (slow !== undefined) return text(slow);
  return { status: 200, headers: { "content-type": "text/plain" }, body: "Hello, world!" };
};

async function text(content: () => string | Promise<string>): Promise<OutgoingResponse> {
  return { status: 200, headers: { "content-type": "text/plain" }, body: await content() };
}

async function echo(request: IncomingRequest): Promise<OutgoingResponse> {
  return json(await readJson(request));
}

function json(value: unknown): OutgoingResponse {
  return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
