/** What `await` waits for: an object or function with a callable `then` (ECMA-262 §27.2.1.3.2), of whatever class. */
import type { Awaitable } from "@tsgi/gateway-spec";

export function isThenable<T>(value: Awaitable<T>): value is Promise<T> {
  return (
    ((typeof value === "object" && value !== null) || typeof value === "function") &&
    "then" in value &&
    typeof value.then === "function"
  );
}
