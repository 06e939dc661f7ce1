/** Checks how an application uses its objects: in another server they may be instances of a class with private members. */
import type { Reporter } from "./report.ts";

/** An object of getters and methods that reports when it is copied, and when a member is used on another object. */
export function guard<T extends object>(report: Reporter, what: string, members: T): T {
  const guarded = {};
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(members))) {
    Object.defineProperty(guarded, name, guardMember(report, `${what}'s ${name}`, members, guarded, descriptor));
  }
  // Spread and Object.assign read every enumerable member. A debugger that prints the object does not call getters.
  Object.defineProperty(guarded, COPIED, {
    enumerable: true,
    get: () => {
      report.now("member-copied", `a copy of ${what}`);
      return undefined;
    },
  });
  return guarded as T;
}

const COPIED = Symbol("copied");

function guardMember(
  report: Reporter,
  what: string,
  members: object,
  guarded: object,
  descriptor: PropertyDescriptor,
): PropertyDescriptor {
  const own = (self: unknown) => {
    if (self !== guarded) report.now("method-detached", `${what} used on another object`);
  };
  const value: unknown = descriptor.value;
  if (descriptor.get !== undefined) {
    return {
      enumerable: false,
      get(this: unknown) {
        own(this);
        return descriptor.get?.call(members) as unknown;
      },
    };
  }
  if (typeof value !== "function") return { ...descriptor, enumerable: false };
  return {
    enumerable: false,
    value(this: unknown, ...args: readonly unknown[]) {
      own(this);
      return Reflect.apply(value as (...args: readonly unknown[]) => unknown, members, args);
    },
  };
}
