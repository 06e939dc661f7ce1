/** The lifespan scope: one call of the application that lasts as long as the server. */
import { type AsgiApplication, outOfOrder, type Receive, type Send } from "./types.ts";

/** A started application. */
export interface Lifespan {
  /** The `state` of its scope. */
  readonly state: Record<string, unknown>;
  /** Sends `lifespan.shutdown`. Rejects with the message of `lifespan.shutdown.failed`. */
  readonly end: () => Promise<void>;
}

/**
 * Rejects with the message of `lifespan.startup.failed`. An application that throws for the scope runs without a lifespan, as the ASGI
 * text requires.
 */
export async function startLifespan(application: AsgiApplication): Promise<Lifespan> {
  const state: Record<string, unknown> = {};
  const started = Promise.withResolvers<"complete" | "unsupported">();
  const ending = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => undefined);
  let received = 0;
  let phase: "starting" | "running" | "stopped" = "starting";

  const receive: Receive = async () => {
    received += 1;
    if (received === 1) return { type: "lifespan.startup" };
    await (received === 2 ? ending.promise : new Promise(() => undefined));
    return { type: "lifespan.shutdown" };
  };
  const send: Send = async (event) => {
    if (phase === "starting" && event.type === "lifespan.startup.complete") {
      phase = "running";
      started.resolve("complete");
    } else if (phase === "starting" && event.type === "lifespan.startup.failed") {
      phase = "stopped";
      started.reject(new Error(event.message ?? "The application failed to start"));
    } else if (phase === "running" && event.type === "lifespan.shutdown.complete") {
      phase = "stopped";
      ended.resolve();
    } else if (phase === "running" && event.type === "lifespan.shutdown.failed") {
      phase = "stopped";
      ended.reject(new Error(event.message ?? "The application failed to shut down"));
    } else {
      throw outOfOrder(event.type, `while the lifespan was ${phase}`);
    }
  };

  void (async () => {
    try {
      await application({ type: "lifespan", asgi: { version: "3.0", spec_version: "2.0" }, state }, receive, send);
      ended.resolve();
    } catch (error) {
      ended.reject(error);
    }
    started.resolve("unsupported");
  })();

  if ((await started.promise) === "unsupported") return { state, end: () => Promise.resolve() };
  return {
    state,
    end: () => {
      ending.resolve();
      return ended.promise;
    },
  };
}
