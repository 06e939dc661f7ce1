/** Handlers that take time, by the path that each server gives them. */
import { setTimeout as delay } from "node:timers/promises";

const ITEMS = Array.from({ length: 200 }, (_, index) => ({
  id: index,
  name: `item ${index}`,
  price: (index * 7919) % 997,
}));
const WAIT_MS = 100;
const BLOCK_MS = 20;

let held: PromiseWithResolvers<string> = Promise.withResolvers();
let holding = 0;

export const SLOW: Readonly<Record<string, () => string | Promise<string>>> = {
  /** Some 50 µs of processor time, so that a client in Node can send more requests than a server takes. */
  "/work": () => JSON.stringify(ITEMS.filter(({ price }) => price > 100).toSorted((a, b) => a.price - b.price)),
  /** As a query of a slow database. */
  "/wait": () => delay(WAIT_MS, "waited"),
  /** As a computation that should be in a thread. */
  "/block": () => {
    const end = performance.now() + BLOCK_MS;
    while (performance.now() < end);
    return "blocked";
  },
  /** All of these wait until one `/release`. */
  "/hold": () => {
    holding += 1;
    return held.promise;
  },
  "/holding": () => String(holding),
  "/release": () => {
    held.resolve("released");
    held = Promise.withResolvers();
    holding = 0;
    return "released";
  },
};
