/**
 * Keeps what one handler enters with `AsyncLocalStorage.enterWith()` from the next request, which the same call of a socket's
 * listener may handle. The body of a response is pulled in the scope of its handler.
 *
 * node:async_hooks is looked up at run time: hosts without Node's modules have scopes of their own.
 */
import type * as AsyncHooksModule from "node:async_hooks";

type AsyncHooks = typeof AsyncHooksModule;

const hooks: AsyncHooks | undefined = (
  globalThis as { readonly process?: { readonly getBuiltinModule?: (id: "node:async_hooks") => AsyncHooks } }
).process?.getBuiltinModule?.("node:async_hooks");

/** Whether a scope that is entered again still has what was entered in it before: so without AsyncContextFrame, up to Node 23. */
export const REMEMBERS: boolean = hooks !== undefined && remembers(hooks);

/** Runs handlers, each in a scope of its own, on top of the scope in which this object was made. */
export class HandlerScope {
  /**
   * Whether each event of a socket has an async context of its own, so with AsyncContextFrame, from Node 24 on. What a handler enters
   * then ends with the event: only the handlers that follow it in the same event need {@link HandlerScope.run}.
   */
  readonly separatesEvents: boolean = !REMEMBERS;
  readonly #resource = hooks === undefined ? null : new hooks.AsyncResource("TSGI");

  /** Calls `run` with both arguments, which makes a closure superfluous. */
  run<A, B>(run: (first: A, second: B) => void, first: A, second: B): void {
    if (this.#resource === null) run(first, second);
    else if (REMEMBERS) this.#resource.runInAsyncScope(startAnew, null, run, first, second);
    else this.#resource.runInAsyncScope(run, null, first, second);
  }
}

/** A function that calls another in the scope that is current now. */
export function currentScope(): <T>(run: () => T) => T {
  return hooks === undefined ? (run) => run() : hooks.AsyncLocalStorage.snapshot();
}

function startAnew<A, B>(run: (first: A, second: B) => void, first: A, second: B): void {
  if (hooks !== undefined) new hooks.AsyncResource("TSGI").runInAsyncScope(run, null, first, second);
}

function remembers({ AsyncLocalStorage, AsyncResource }: AsyncHooks): boolean {
  const storage = new AsyncLocalStorage<boolean>();
  const resource = new AsyncResource("TSGI");
  resource.runInAsyncScope(() => {
    storage.enterWith(true);
  });
  const remembered = resource.runInAsyncScope(() => storage.getStore() === true);
  storage.disable();
  return remembered;
}
