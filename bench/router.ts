/**
 * `node bench/router.ts`: the time of one look-up by the framework's router, by find-my-way (fastify's) and by hono's routers,
 * with 10 and with 1,000 routes. One process, one core, the least of several rounds.
 */
import findMyWay from "find-my-way";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";
import { Router } from "../packages/framework/src/router/router.ts";

const LOOKUPS = 200_000;
const ROUNDS = 7;

/** What a router finds for a path: the number of the route and the value of its parameter. */
type Find = (path: string) => { readonly route: unknown; readonly id: unknown };

/** Each router with the routes `/r0/:id`, `/r1/:id`, … */
export const ROUTERS: Readonly<Record<string, (routes: number) => Find>> = {
  "@tsgi/framework": (routes) => {
    const router = new Router<number>();
    for (let i = 0; i < routes; i += 1) router.add("GET", `/r${i}/:id`, i);
    return (path) => {
      const match = router.match("GET", path);
      return match.kind === "found" ? { route: match.target, id: match.params["id"] } : { route: null, id: null };
    };
  },
  "find-my-way": (routes) => {
    const router = findMyWay();
    for (let i = 0; i < routes; i += 1) router.on("GET", `/r${i}/:id`, () => undefined, i);
    return (path) => {
      const match = router.find("GET", path);
      return { route: match?.store, id: match?.params["id"] };
    };
  },
  "hono RegExpRouter": (routes) => honoFind(new RegExpRouter<number>(), routes),
  "hono TrieRouter": (routes) => honoFind(new TrieRouter<number>(), routes),
};

function honoFind(router: RegExpRouter<number> | TrieRouter<number>, routes: number): Find {
  for (let i = 0; i < routes; i += 1) router.add("GET", `/r${i}/:id`, i);
  return (path) => {
    const [handlers, stash] = router.match("GET", path);
    const [route, params] = (handlers[0] ?? [null, {}]) as [unknown, Readonly<Record<string, unknown>>];
    const at = params["id"];
    return { route, id: typeof at === "number" ? stash?.[at] : at };
  };
}

function measure(find: Find, routes: number): number {
  const paths = Array.from({ length: 64 }, (_, i) => `/r${Math.floor((i / 64) * routes)}/${1000 + i}`);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    // A new text each time: a server slices the path from the request.
    for (let i = 0; i < LOOKUPS; i += 1) find(`${paths[i & 63] ?? ""}${i & 7}`);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / LOOKUPS);
  }
  return least * 1000;
}

if (import.meta.main) {
  console.log("| ns/look-up | 10 routes | 1,000 routes |\n| --- | ---: | ---: |");
  for (const [name, create] of Object.entries(ROUTERS)) {
    const [few, many] = [10, 1000].map((routes) => measure(create(routes), routes).toFixed(0));
    console.log(`| ${name} | ${few} | ${many} |`);
  }
}
