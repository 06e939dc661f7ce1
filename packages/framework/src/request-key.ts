/** Data of one request that middleware sets and handlers read, without a place for it in the contract's types. */

/** What the data belongs to. Middleware and handlers of one request get the same exchange object. */
type Owner = object;

/**
 * A typed slot of a request. Create one at module level, set it in a middleware, read it in a handler:
 *
 *     export const tenant = new RequestKey<Tenant>("tenant");
 *     app.use((next) => (request, exchange) => (tenant.set(exchange, findTenant(request)), next(request, exchange)));
 *     app.get("/", ({ exchange }) => tenant.require(exchange).name);
 *
 * The data lives as long as the exchange object.
 */
export class RequestKey<T> {
  readonly #name: string;
  readonly #values = new WeakMap<Owner, T>();

  /** @param name for the message of {@link RequestKey.require}. */
  constructor(name: string) {
    this.#name = name;
  }

  /** The value of a request, or `undefined` where none was set. */
  get(exchange: Owner): T | undefined {
    return this.#values.get(ownerOf(exchange));
  }

  /** Sets the value for the rest of the request. */
  set(exchange: Owner, value: T): void {
    this.#values.set(ownerOf(exchange), value);
  }

  /** @throws TypeError where no middleware has set the value. */
  require(exchange: Owner): T {
    const value = this.get(exchange);
    if (value === undefined) {
      throw new TypeError(`No middleware set "${this.#name}" for this request: add it with app.use() before the route`);
    }
    return value;
  }
}

/** An exchange that stands for another one: that of a mounted application with a state of its own. */
const originals = new WeakMap<Owner, Owner>();

/** Lets data of `original` be found by `exchange` too. */
export function shareData(exchange: Owner, original: Owner): void {
  originals.set(exchange, ownerOf(original));
}

function ownerOf(exchange: Owner): Owner {
  return originals.get(exchange) ?? exchange;
}
