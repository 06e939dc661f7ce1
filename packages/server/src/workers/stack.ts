/**
 * The stack of a process whose event loop is stuck. SIGUSR1 makes a thread of node open the inspector, which needs no turn of the
 * loop; the inspector pauses the code and gives its frames. A healthy worker pays nothing for it. The inspector listens on the
 * loopback interface, for as long as it takes.
 */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How long a stack may take. */
const TIMEOUT_MS = 2000;

const MAX_FRAMES = 10;

/** The two events of the inspector that matter here (Chrome DevTools Protocol, domain Debugger). */
type InspectorEvent =
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
  const timer = setTimeout(resolve, TIMEOUT_MS, null);
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
  const scripts = new Map<string, string>();
  socket.addEventListener("open", () => {
    for (const [id, method] of ["Debugger.enable", "Debugger.pause"].entries()) {
      socket.send(JSON.stringify({ id: id + 1, method }));
    }
  });
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    const event = JSON.parse(String(data)) as InspectorEvent;
    if (event.method === "Debugger.scriptParsed") scripts.set(event.params.scriptId, event.params.url);
    else if (event.method === "Debugger.paused") {
      resolve(event.params.callFrames.slice(0, MAX_FRAMES).map((frame) => frameText(frame, scripts)));
    }
  });
  socket.addEventListener("error", () => undefined);
  return socket;
}

function frameText({ functionName, location }: CallFrame, scripts: ReadonlyMap<string, string>): string {
  const url = scripts.get(location.scriptId) ?? "";
  const file = url.startsWith("file://") ? fileURLToPath(url) : url;
  return `${functionName === "" ? "(anonymous)" : functionName} ${file}:${location.lineNumber + 1}`;
}
