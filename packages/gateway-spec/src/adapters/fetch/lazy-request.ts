/**
 * A web `Request` that is built when it is needed. Method, URL, header fields and signal are answered from the request as
 * received; a body, a clone and everything else come from a genuine `Request`, made at the first touch.
 *
 * It is an `instanceof Request`, but the constructor knows its own kind by private fields, which no other object can have.
 * So `new Request(lazy)` and `fetch(lazy)` need a word with the two globals: {@link teachGlobals} puts a constructor and a
 * function in front of them that hand on the genuine `Request`, and anything else as it came.
 */
import type { IncomingRequest } from "../../index.ts";

const GenuineRequest = globalThis.Request;
const genuineOf = Symbol("genuine");

// The constructor is not Request's: not to run that is the point. The types take the class for what its prototype makes it.
class Lazy {
  readonly #incoming: IncomingRequest;
  #headers: Headers | null = null;
  #genuine: Request | null = null;

  constructor(incoming: IncomingRequest) {
    this.#incoming = incoming;
  }

  get method(): string {
    return this.#incoming.method;
  }

  get url(): string {
    return this.#incoming.url;
  }

  get headers(): Headers {
    return (this.#headers ??= this.#genuine?.headers ?? new Headers([...this.#incoming.headers]));
  }

  get signal(): AbortSignal {
    return this.#incoming.signal;
  }

  get bodyUsed(): boolean {
    return this.#genuine?.bodyUsed ?? false;
  }

  get [genuineOf](): Request {
    return (this.#genuine ??= toGenuine(this.#incoming, this.headers));
  }
}

for (const name of Reflect.ownKeys(GenuineRequest.prototype)) {
  if (name in Lazy.prototype) continue;
  const member: TypedPropertyDescriptor<unknown> | undefined = Reflect.getOwnPropertyDescriptor(
    GenuineRequest.prototype,
    name,
  );
  const method = member?.value;
  if (typeof method === "function") {
    Object.defineProperty(Lazy.prototype, name, {
      value(this: Lazy, ...given: unknown[]): unknown {
        return Reflect.apply(method, this[genuineOf], given);
      },
    });
  } else if (member?.get !== undefined) {
    Object.defineProperty(Lazy.prototype, name, {
      get(this: Lazy): unknown {
        return Reflect.get(this[genuineOf], name);
      },
    });
  }
}
Object.setPrototypeOf(Lazy.prototype, GenuineRequest.prototype);

/** The request as a web `Request`; one that is genuine stays what it is. */
export function toLazyRequest(incoming: IncomingRequest): Request {
  return incoming instanceof GenuineRequest ? incoming : (new Lazy(incoming) as unknown as Request);
}

/** The request as a genuine `Request`, at once. */
export function toRequest(incoming: IncomingRequest): Request {
  return incoming instanceof GenuineRequest ? incoming : toGenuine(incoming, new Headers([...incoming.headers]));
}

let taught = false;

/** Lets `new Request(lazy)` and `fetch(lazy)` work. Once; nothing else of the two globals changes. */
export function teachGlobals(): void {
  if (taught) return;
  taught = true;
  globalThis.Request = new Proxy(globalThis.Request, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.map(unwrap), newTarget) as object,
  });
  globalThis.fetch = new Proxy(globalThis.fetch, {
    apply: (target, self, given: unknown[]) => Reflect.apply(target, self, given.map(unwrap)) as Promise<Response>,
  });
}

function unwrap(value: unknown): unknown {
  return value instanceof Lazy ? value[genuineOf] : value;
}

function toGenuine({ method, url, body, signal }: IncomingRequest, headers: Headers): Request {
  // Fetch has no content in these two, whatever HTTP says.
  const hasBody = body !== null && method !== "GET" && method !== "HEAD";
  return new GenuineRequest(url, {
    method,
    headers,
    signal,
    ...(hasBody ? { body: toStream(body), duplex: "half" } : {}),
  });
}

/** A stream that pulls only when it is read, so that the client is asked for content only then. */
function toStream(body: AsyncIterable<Uint8Array>): ReadableStream {
  if (body instanceof ReadableStream) return body;
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const piece: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (piece.done === true) controller.close();
        else controller.enqueue(piece.value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
