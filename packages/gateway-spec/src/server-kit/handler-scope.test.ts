import { AsyncLocalStorage } from "node:async_hooks";
import { expect, test } from "vitest";
import { currentScope, HandlerScope } from "./handler-scope.ts";

test("what one handler enters does not reach the next one, nor the caller", () => {
  const storage = new AsyncLocalStorage<string>();
  const scope = new HandlerScope();
  const seen: (string | undefined)[] = [];
  const handler = (name: string, keep: boolean) => {
    seen.push(storage.getStore());
    if (keep) storage.enterWith(name);
  };
  scope.run(handler, "first", true);
  scope.run(handler, "second", true);
  expect([...seen, storage.getStore()]).toEqual([undefined, undefined, undefined]);
});

test("what a handler enters stays with its promises", async () => {
  const storage = new AsyncLocalStorage<string>();
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  new HandlerScope().run(
    (name: string, _second: null) => {
      storage.enterWith(name);
      setImmediate(() => {
        resolve(storage.getStore());
      });
    },
    "request 1",
    null,
  );
  expect(await promise).toBe("request 1");
});

test("a scope that was kept is entered again", () => {
  const storage = new AsyncLocalStorage<string>();
  const enter = storage.run("kept", currentScope);
  expect([storage.getStore(), enter(() => storage.getStore())]).toEqual([undefined, "kept"]);
});
