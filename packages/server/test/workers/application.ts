/** What the tests of workers serve. */
import { threadId } from "node:worker_threads";
import type { Handler } from "@tsgi/gateway-spec";

/** What other workers have posted. */
const received: unknown[] = [];
const channel = new BroadcastChannel("tsgi.topics");
channel.unref();
channel.addEventListener("message", ({ data }: { readonly data: unknown }) => void received.push(data));

const application: Handler = async (request, { target, draining }) => {
  const text = (body: string) => ({
    status: 200,
    headers: { "content-type": "text/plain", "x-pid": String(process.pid), "x-thread": String(threadId) },
    body,
  });
  if (target.startsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 300));
  if (target === "/until-drained") {
    console.log("in the handler");
    await new Promise((resolve) => {
      draining.addEventListener("abort", () => setImmediate(resolve));
    });
  }
  if (target.startsWith("/upload")) {
    let bytes = 0;
    for await (const piece of request.body ?? []) bytes += piece.byteLength;
    return text(`${target} ${bytes}`);
  }
  if (target.startsWith("/post?")) channel.postMessage(target);
  if (target === "/received") return text(JSON.stringify(received));
  if (target === "/throw") {
    setImmediate(() => {
      throw new Error("no code catches this");
    });
  }
  if (target === "/fail") throw new Error("as asked");
  if (target === "/block") block();
  return text(target);
};

function block(): never {
  for (;;) Math.sqrt(2);
}

export default application;
