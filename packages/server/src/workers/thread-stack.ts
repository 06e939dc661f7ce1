/** The stack of a thread whose event loop is stuck, by the inspector of its process, whose own loop turns. No port is opened. */
import { Session } from "node:inspector";
import { type InspectorEvent, STACK_TIMEOUT_MS, StackReader } from "./stack.ts";

interface Attached {
  readonly params: { readonly sessionId: string; readonly workerInfo: { readonly title: string } };
}

interface Received {
  readonly params: { readonly message: string };
}

/** The innermost frames; `null` where none came in time. */
export function readThreadStack(threadId: number): Promise<readonly string[] | null> {
  const { promise, resolve } = Promise.withResolvers<readonly string[] | null>();
  const timer = setTimeout(resolve, STACK_TIMEOUT_MS, null);
  const session = new Session();
  session.connect();
  const reader = new StackReader();
  // The domain NodeWorker of the inspector protocol of node; its types are not in @types/node.
  const { post } = session as unknown as { readonly post: (method: string, params?: object) => void };
  session.on("NodeWorker.attachedToWorker", ({ params: { sessionId, workerInfo } }: Attached) => {
    // `workerId` counts what was attached; the thread's id stands in the title: `[worker 2] WorkerThread`.
    if (!workerInfo.title.startsWith(`[worker ${threadId}]`)) return;
    for (const message of StackReader.REQUESTS)
      post.call(session, "NodeWorker.sendMessageToWorker", { sessionId, message });
  });
  session.on("NodeWorker.receivedMessageFromWorker", ({ params }: Received) => {
    const frames = reader.receive(JSON.parse(params.message) as InspectorEvent);
    if (frames !== null) resolve(frames);
  });
  post.call(session, "NodeWorker.enable", { waitForDebuggerOnStart: false });
  return promise.finally(() => {
    clearTimeout(timer);
    session.disconnect();
  });
}
