/**
 * The stack of a process whose event loop is stuck. SIGUSR1 makes a thread of node open the inspector, which needs no turn of the
 * loop; the inspector pauses the code and gives its frames. A healthy worker pays nothing for it. The inspector listens on the
 * loopback interface, for as long as it takes.
 */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long to wait for a stack. It usually takes much less; a stuck process can slow the machine down. */
export const STACK_TIMEOUT_MS = 10_000;

const MAX_FRAMES = 10;

/** The two events of the inspector that matter here (Chrome DevTools Protocol, domain Debugger). */
export type InspectorEvent =
  | { readonly method: "Debugger.scriptParsed"; readonly params: { readonly scriptId: string; readonly url: string } }
  | { readonly method: "Debugger.paused"; readonly params: { readonly callFrames: readonly CallFrame[] } };

interface CallFrame {
  readonly functionName: string;
  /** Lines count from 0. */
  readonly location: { readonly scriptId: string; readonly lineNumber: number };
}

/** What node itself writes to the standard error stream about its inspector. */
const INSPECTOR_LINE =
  /^(?:Debugger (?:listening|attached|ending)|For help, see: https:\/\/nodejs\.org|Waiting for the debugger).*\n?/gm;

/**
 * The innermost frames, such as `spin /app/src/report.ts:12`; `null` where none came in time. Meanwhile the standard error stream of
 * the process is not piped: what it wrote is passed on without node's own lines about the inspector.
 */
export function readStack(child: Pick<ChildProcess, "kill" | "stderr">): Promise<readonly string[] | null> {
  const { promise, resolve } = Promise.withResolvers<readonly string[] | null>();
  let written = "";
  let socket: WebSocket | null = null;
  const listen = (text: Buffer | string) => {
    written += String(text);
    const [url] = /ws:\/\/\S+/.exec(written) ?? [];
    if (url !== undefined) socket ??= pause(url, resolve);
  };
  child.stderr?.unpipe(process.stderr);
  child.stderr?.on("data", listen);
  // unpipe() has paused it.
  child.stderr?.resume();
  const timer = setTimeout(resolve, STACK_TIMEOUT_MS, null);
  child.kill("SIGUSR1");
  return promise.finally(() => {
    clearTimeout(timer);
    child.stderr?.off("data", listen);
    process.stderr.write(written.replaceAll(INSPECTOR_LINE, ""));
    // Without this the stream would stay paused, and a last message of the process unread.
    child.stderr?.resume();
    socket?.close();
  });
}

function pause(url: string, resolve: (frames: readonly string[]) => void): WebSocket {
  const socket = new WebSocket(url);
  const reader = new StackReader();
  socket.addEventListener("open", () => {
    for (const request of StackReader.REQUESTS) socket.send(request);
  });
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    const frames = reader.receive(JSON.parse(String(data)) as InspectorEvent);
    if (frames !== null) resolve(frames);
  });
  socket.addEventListener("error", () => undefined);
  return socket;
}

/** The inspector's side of it: requests that pause the code, and the frames from the events that follow. */
export class StackReader {
  static readonly REQUESTS: readonly string[] = ["Debugger.enable", "Debugger.pause"].map((method, i) =>
    JSON.stringify({ id: i + 1, method }),
  );
  readonly #scripts = new Map<string, string>();

  /** The innermost frames, at the event that has them; else `null`. */
  receive(event: InspectorEvent): readonly string[] | null {
    if (event.method === "Debugger.scriptParsed") this.#scripts.set(event.params.scriptId, event.params.url);
    if (event.method !== "Debugger.paused") return null;
    return event.params.callFrames.slice(0, MAX_FRAMES).map((frame) => frameText(frame, this.#scripts));
  }
}

function frameText({ functionName, location }: CallFrame, scripts: ReadonlyMap<string, string>): string {
  const url = scripts.get(location.scriptId) ?? "";
  const file = url.startsWith("file://") ? fileURLToPath(url) : url;
  return `${functionName === "" ? "(anonymous)" : functionName} ${file}:${location.lineNumber + 1}`;
}
