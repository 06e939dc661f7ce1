/** node:http's request with its record of fields made late: our applications read the lines as they came. */
import { IncomingMessage, type IncomingHttpHeaders } from "node:http";

/** What node itself asks every request for, before anyone else sees it. */
const ASKED: ReadonlySet<string | symbol> = new Set(["expect", "content-length", "transfer-encoding"]);

/** Names and values up to which a record costs less than to put it off. */
const FEW = 8;

const COMPLETE = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, "headers");

/** To everyone but node, and to node beyond those questions, its `headers` are those of any request of node:http. */
export class LateRecordRequest extends IncomingMessage {
  /** What stands in for `headers` while node asks. */
  questions: IncomingHttpHeaders | null = null;
  /** Whether node has handed the request on: its own record is made at the next look. */
  received = false;
}

/** To be called when node hands a request on. */
export function receive(req: IncomingMessage): void {
  if (req instanceof LateRecordRequest) req.received = true;
}

// A property for TypeScript, an accessor in truth: a class could not override it.
Object.defineProperty(LateRecordRequest.prototype, "headers", {
  get(this: LateRecordRequest): IncomingHttpHeaders {
    return this.received || this.rawHeaders.length <= FEW
      ? complete(this)
      : (this.questions ??= new Proxy<IncomingHttpHeaders>({}, new LateRecord(this)));
  },
  set(this: LateRecordRequest, record: IncomingHttpHeaders) {
    this.received = true;
    COMPLETE?.set?.call(this, record);
  },
});

/** Node's own record, made at the first look. */
function complete(req: LateRecordRequest): IncomingHttpHeaders {
  return COMPLETE?.get?.call(req) as IncomingHttpHeaders;
}

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

  #complete(): IncomingHttpHeaders {
    return (this.#record ??= complete(this.#req));
  }
}
