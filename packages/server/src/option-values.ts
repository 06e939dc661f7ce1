/**
 * Reads the values of options, which are text on the command line and in the environment, and of any type in a configuration file.
 * Without a schema library: loading one and building the schema took 65 of the 190 ms of CPU time of a start.
 */
import { findClient, type TrustedProxies } from "./proxy/trust.ts";

export interface OptionType<T> {
  /** `undefined` for a value that is none of this type. */
  readonly read: (value: unknown) => T | undefined;
  /** What a value has to be: `must be true or false`. */
  readonly rule: string;
}

/** A folder of `--static`. */
export interface StaticMount {
  /** The path that requests begin with, with a slash at both ends. */
  readonly prefix: string;
  readonly folder: string;
}

/** Text that is not empty. */
export function text(rule: string): OptionType<string> {
  return { rule, read: (value) => (typeof value === "string" && value !== "" ? value : undefined) };
}

/** A whole number, as a number or as decimal digits. Not `0x50`, not `1e3`, not an empty text. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): OptionType<number> {
  return {
    rule: `must be a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? "" : ` to ${max}`}`,
    read: (value) => {
      const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
      return Number.isSafeInteger(number) && (number as number) >= min && (number as number) <= max
        ? (number as number)
        : undefined;
    },
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): OptionType<T> {
  const rule = `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`;
  return { rule, read: (value) => values.find((known) => known === value) };
}

/** A value of either type. The rule names both. */
export function either<A, B>(rule: string, first: OptionType<A>, second: OptionType<B>): OptionType<A | B> {
  return { rule, read: (value) => first.read(value) ?? second.read(value) };
}

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ...["true", "1", "yes", "on", "y", "enabled"].map((word) => [word, true] as const),
  ...["false", "0", "no", "off", "n", "disabled"].map((word) => [word, false] as const),
]);

export const toggle: OptionType<boolean> = {
  rule: "must be true or false",
  read: (value) =>
    typeof value === "boolean" ? value : typeof value === "string" ? SWITCH.get(value.toLowerCase()) : undefined,
};

/** `10.0.0.0/8,unix`, a list of them, or a number of proxies. */
export const trustedProxies: OptionType<TrustedProxies> = either(
  "must be addresses, networks such as 10.0.0.0/8 or unix, with commas; or a number",
  integer(1, 100),
  {
    rule: "",
    read: (value) => {
      const names = textList(value)?.map((name) => name.trim());
      return names !== undefined && isTrustedProxies(names) ? names : undefined;
    },
  },
);

function isTrustedProxies(names: readonly string[]): boolean {
  try {
    findClient(names);
    return true;
  } catch {
    return false;
  }
}

/** `/static=./static`, or a folder alone, which is mounted at `/`; several with commas or as a list. */
export const mounts: OptionType<readonly StaticMount[]> = {
  rule: "must be a folder, or a path and a folder such as /static=./static",
  read: (value) => {
    const texts = textList(value);
    return texts?.every((one) => MOUNT.test(one)) === true ? texts.map(toMount) : undefined;
  },
};

/** A path, or several with commas or as a list. */
export const paths: OptionType<readonly string[]> = {
  rule: "must be a path, or several with commas",
  read: (value) => {
    const texts = textList(value);
    return texts?.includes("") === false ? texts : undefined;
  },
};

const MOUNT = /^(?:[^/=]|\/[^=]*$|\/[^=]*=.)/;

function toMount(given: string): StaticMount {
  const at = given.startsWith("/") ? given.indexOf("=") : -1;
  if (at === -1) return { prefix: "/", folder: given };
  const path = given.slice(0, at);
  return { prefix: path.endsWith("/") ? path : `${path}/`, folder: given.slice(at + 1) };
}

function textList(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return value.split(",");
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
