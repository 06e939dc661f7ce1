/** node:http's request with its record of fields made late: our applications read the lines as they came. */
import { IncomingMessage, type IncomingHttpHeaders } from "node:http";

/** What node itself asks every request for, before anyone else sees it. */
const ASKED: ReadonlySet<string | symbol> = new Set(["expect", "content-length", "transfer-encoding"]);

/** Names and values up to which a record costs less than to put it off. */
const FEW = 8;

const COMPLETE = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, "headers");

/** To everyone but node, and to node beyond those questions, its `headers` are those of any request of node:http. */
export class LateRecordRequest extends IncomingMessage {
  record: IncomingHttpHeaders | null = null;
}

// A property for TypeScript, an accessor in truth: a class could not override it.
Object.defineProperty(LateRecordRequest.prototype, "headers", {
  get(this: LateRecordRequest): IncomingHttpHeaders {
    return (this.record ??=
      this.rawHeaders.length > FEW
        ? new Proxy<IncomingHttpHeaders>({}, new LateRecord(this))
        : (COMPLETE?.get?.call(this) as IncomingHttpHeaders));
  },
  set(this: LateRecordRequest, record: IncomingHttpHeaders) {
    this.record = record;
  },
});

/** Answers node's questions of the lines, all others of the record. */
class LateRecord implements ProxyHandler<IncomingHttpHeaders> {
  readonly #req: LateRecordRequest;
  #record: IncomingHttpHeaders | null = null;

  constructor(req: LateRecordRequest) {
    this.#req = req;
  }

  get(_target: object, name: string | symbol): unknown {
    return this.#isAbsent(name) ? undefined : Reflect.get(this.#complete(), name);
  }

  has(_target: object, name: string | symbol): boolean {
    return this.#record === null && ASKED.has(name) ? !this.#isAbsent(name) : Reflect.has(this.#complete(), name);
  }

  set(_target: object, name: string | symbol, value: unknown): boolean {
    return Reflect.set(this.#complete(), name, value);
  }

  deleteProperty(_target: object, name: string | symbol): boolean {
    return Reflect.deleteProperty(this.#complete(), name);
  }

  defineProperty(_target: object, name: string | symbol, property: PropertyDescriptor): boolean {
    return Reflect.defineProperty(this.#complete(), name, property);
  }

  getOwnPropertyDescriptor(_target: object, name: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.#complete(), name);
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.#complete());
  }

  #isAbsent(name: string | symbol): boolean {
    if (this.#record !== null || typeof name !== "string" || !ASKED.has(name)) return false;
    const lines = this.#req.rawHeaders;
    for (let i = 0; i < lines.length; i += 2) {
      const given = lines[i] ?? "";
      if (given.length === name.length && given.toLowerCase() === name) return false;
    }
    return true;
  }

  /** Node's own, from now on in the place of this one. */
  #complete(): IncomingHttpHeaders {
    return (this.#record ??= this.#req.record = COMPLETE?.get?.call(this.#req) as IncomingHttpHeaders);
  }
}
