/**
 * How often a client may do something: send requests, or guess a password. One that does it more often gets 429 (RFC 6585 §4) with
 * `Retry-After`. The counts are in the memory of one process, so several processes together accept more.
 */
import { createHash } from "node:crypto";
import type { Address, Awaitable, Exchange } from "@tsgi/gateway-spec";
import { HttpError } from "../errors.ts";

/** What a limit reads of its context. */
interface Asking {
  readonly exchange: Pick<Exchange, "remoteAddress">;
}

/** How many requests {@link rateLimit} accepts. */
export interface RateLimitOptions {
  /** Requests that a client may send at once. */
  readonly limit: number;
  /** The time in which a client gets all of them back, one after the other, in seconds. */
  readonly windowSeconds: number;
  /** Clients to remember; beyond it the one that came first is forgotten. Default 10,000, some 2 MB. */
  readonly maxKeys?: number;
}

/** How many wrong passwords {@link loginLimit} accepts. */
export interface LoginLimitOptions {
  /** Wrong passwords for one account, from all addresses. Default 10. */
  readonly perAccount?: number;
  /** Wrong passwords from one address, for all accounts. Default 50: many people may share an address. */
  readonly perAddress?: number;
  /** The time in which they are all given back, one after the other, in seconds. Default 900. */
  readonly windowSeconds?: number;
  /** Accounts, and addresses, to remember; beyond it the one that came first is forgotten. Default 10,000, some 2 MB. */
  readonly maxKeys?: number;
}

/**
 * Checks a password by `verify`, where the limits permit another attempt. A result of `false`, `null` or `undefined` is a wrong
 * password.
 * @param account the name that was typed. Case, accents and white space do not count, as some databases ignore them.
 * @returns what `verify` returns.
 * @throws HttpError 429 `RATE_LIMITED`, before `verify` is called.
 */
export type LoginLimit = <Result>(context: Asking, account: string, verify: () => Awaitable<Result>) => Promise<Result>;

/**
 * A need that limits the requests of each client address; of IPv6 the first 64 bits count, which one customer has. It runs before the
 * content is read. Behind a proxy the server must trust the proxy, or all clients count as one.
 *
 *     app.post("/orders", { needs: { limit: rateLimit({ limit: 20, windowSeconds: 60 }) } }, order);
 *
 * It throws an {@link HttpError} 429 `RATE_LIMITED`.
 * @throws RangeError for a limit or a time that is not positive.
 */
export function rateLimit(options: RateLimitOptions): (context: Asking) => void {
  const counts = new Counts(options.limit, options);
  return ({ exchange }) => {
    const key = networkOf(exchange.remoteAddress);
    const waitMs = counts.waitMs(key);
    if (waitMs > 0) throw tooMany(waitMs);
    counts.take(key);
  };
}

/**
 * Limits the wrong passwords for each account and from each client address (as {@link rateLimit} counts it). Where attempts that are
 * not yet verified could exhaust a limit, the next one waits for their outcomes: many at the same time are not more than one after the
 * other, and right ones are not refused.
 *
 *     const limited = loginLimit();
 *     const isRight = await limited(context, form.name, () => verifyPassword(form.password, hash));
 *
 * @throws RangeError for a limit or a time that is not positive.
 */
export function loginLimit(options: LoginLimitOptions = {}): LoginLimit {
  const { perAccount = 10, perAddress = 50, windowSeconds = 900 } = options;
  const accounts = new Counts(perAccount, { ...options, windowSeconds });
  const addresses = new Counts(perAddress, { ...options, windowSeconds });
  const running = new Set<{ readonly name: string; readonly address: string }>();
  let oneEnded = Promise.withResolvers<void>();

  return async (context, account, verify) => {
    const attempt = { name: accountKey(account), address: networkOf(context.exchange.remoteAddress) };
    const { name, address } = attempt;
    for (;;) {
      const waitMs = Math.max(accounts.waitMs(name), addresses.waitMs(address));
      if (waitMs === 0) break;
      if (![...running].some((other) => other.name === name || other.address === address)) throw tooMany(waitMs);
      await oneEnded.promise;
    }
    accounts.take(name);
    addresses.take(address);
    running.add(attempt);
    let isWrong = false;
    try {
      const result = await verify();
      isWrong = result === false || result === null || result === undefined;
      return result;
    } finally {
      if (!isWrong) {
        accounts.giveBack(name);
        addresses.giveBack(address);
      }
      running.delete(attempt);
      oneEnded.resolve();
      oneEnded = Promise.withResolvers();
    }
  };
}

/**
 * The generic cell rate algorithm (ITU-T I.371, annex A): for each key one time, at which all of its uses are given back. A use moves
 * it forward by the time for one; it may not be further away than the time for all.
 */
class Counts {
  readonly #times = new Map<string, number>();
  readonly #windowMs: number;
  readonly #intervalMs: number;
  readonly #maxKeys: number;

  constructor(limit: number, { windowSeconds, maxKeys = 10_000 }: Omit<RateLimitOptions, "limit">) {
    for (const [name, value] of Object.entries({ limit, windowSeconds, maxKeys })) {
      if (!(value > 0)) throw new RangeError(`${name} must be a positive number, not ${value}`);
    }
    this.#windowMs = windowSeconds * 1000;
    this.#intervalMs = this.#windowMs / limit;
    this.#maxKeys = maxKeys;
  }

  /** How long until another use is permitted; 0 for now. */
  waitMs(key: string): number {
    const now = performance.now();
    // Half of a millisecond: sums of intervals are not exact.
    const waitMs = (this.#times.get(key) ?? now) + this.#intervalMs - this.#windowMs - now;
    return waitMs < 0.5 ? 0 : waitMs;
  }

  take(key: string): void {
    const now = performance.now();
    const time = Math.max(this.#times.get(key) ?? now, now) + this.#intervalMs;
    // At the end of the map, whose order is that of the last use.
    this.#times.delete(key);
    this.#times.set(key, time);
    for (const [oldest, at] of this.#times) {
      if (at > now && this.#times.size <= this.#maxKeys) break;
      this.#times.delete(oldest);
    }
  }

  giveBack(key: string): void {
    const time = this.#times.get(key);
    if (time !== undefined) this.#times.set(key, time - this.#intervalMs);
  }
}

function tooMany(waitMs: number): HttpError {
  const seconds = Math.ceil(waitMs / 1000);
  return new HttpError(429, "RATE_LIMITED", `Try again in ${seconds} s`, {
    headers: { "retry-after": String(seconds) },
  });
}

/** Of a fixed length: a client may send a long name. */
function accountKey(name: string): string {
  const folded = name
    .normalize("NFKD")
    .replaceAll(/[\p{M}\s]/gu, "")
    .toLowerCase();
  return createHash("sha256").update(folded).digest("base64");
}

/** An IPv4 address, or the first four groups of an IPv6 address. Clients without an address are one. */
function networkOf(address: Address | null): string {
  if (address?.transport !== "tcp") return "";
  const { hostname } = address;
  if (!hostname.includes(":")) return hostname;
  const [head = "", tail] = hostname.split("::");
  const groups = head === "" ? [] : head.split(":");
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  return [...groups, ...Array.from({ length: zeros }, () => "0"), ...(tail ?? "").split(":")].slice(0, 4).join(":");
}
