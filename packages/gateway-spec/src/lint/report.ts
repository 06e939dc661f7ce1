/** How a breach is told. */
import { checks, type CheckName } from "./checks.ts";

/** A rule that one side broke. */
export interface Breach {
  readonly check: CheckName;
  /** The rule's number in SPEC.md, such as `TSGI-16`. */
  readonly rule: string;
  readonly side: "server" | "application";
  readonly seen: string;
  readonly expected: string;
}

/** What a breach is thrown as. */
export class LintError extends Error {
  override readonly name = "LintError";
  readonly code = "LINT_BREACH";
  readonly breach: Breach;

  constructor(breach: Breach, options?: ErrorOptions) {
    super(describe(breach), options);
    this.breach = breach;
  }
}

/** One sentence: rule, check, who, what was seen, what was expected. */
export function describe({ rule, check, side, seen, expected }: Breach): string {
  return `${rule} (${check}), broken by the ${side}: saw ${seen}, expected ${expected}`;
}

export interface Reporter {
  /** For a breach with a call on the stack that can fail. Throws a {@link LintError} where nobody asked for reports. */
  now(check: CheckName, seen: string, cause?: unknown): void;
  /** For a breach that no call made. Logs it where nobody asked for reports. */
  later(check: CheckName, seen: string): void;
}

export function toReporter(report: ((breach: Breach) => void) | undefined): Reporter {
  if (report !== undefined) {
    const tell = (check: CheckName, seen: string) => {
      report(breachOf(check, seen));
    };
    return { now: tell, later: tell };
  }
  return {
    now: (check, seen, cause) => {
      throw new LintError(breachOf(check, seen), cause === undefined ? undefined : { cause });
    },
    later: (check, seen) => {
      console.error(new LintError(breachOf(check, seen)).message);
    },
  };
}

function breachOf(check: CheckName, seen: string): Breach {
  return { check, ...checks[check], seen };
}

/** A value in a few words, for {@link Breach.seen}. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const name = (value.constructor as { readonly name?: string } | undefined)?.name;
  const code: unknown = Reflect.get(value, "code");
  return `${name === undefined || name === "" ? "an object" : `an instance of ${name}`}${typeof code === "string" ? ` with the code ${code}` : ""}`;
}
