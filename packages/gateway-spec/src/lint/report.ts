/** The report of a violation. */
import { checks, type CheckName } from "./checks.ts";

/** One side violated a rule. */
export interface Violation {
  readonly check: CheckName;
  /** The rule's number in SPEC.md, such as `TSGI-16`. */
  readonly rule: string;
  readonly side: "server" | "application";
  /** What was seen in place of {@link Violation.expected}. */
  readonly seen: string;
  readonly expected: string;
}

/** A violation as an error. */
export class LintError extends Error {
  override readonly name = "LintError";
  readonly code = "LINT_VIOLATION";
  readonly violation: Violation;

  constructor(violation: Violation, options?: ErrorOptions) {
    super(describe(violation), options);
    this.violation = violation;
  }
}

/** One sentence: rule, check, side, what was seen, what was expected. */
export function describe({ rule, check, side, seen, expected }: Violation): string {
  return `${rule} (${check}) violated by the ${side}: saw ${seen}, expected ${expected}`;
}

export interface Reporter {
  /** Reports a violation by a call on the stack, which throws a {@link LintError} if there is no `report` function. */
  now(check: CheckName, seen: string, cause?: unknown): void;
  /** Reports a violation outside of a call, which is logged if there is no `report` function. */
  later(check: CheckName, seen: string): void;
}

export function toReporter(report: ((violation: Violation) => void) | undefined): Reporter {
  if (report !== undefined) {
    const both = (check: CheckName, seen: string) => {
      report(violationOf(check, seen));
    };
    return { now: both, later: both };
  }
  return {
    now: (check, seen, cause) => {
      throw new LintError(violationOf(check, seen), cause === undefined ? undefined : { cause });
    },
    later: (check, seen) => {
      console.error(new LintError(violationOf(check, seen)).message);
    },
  };
}

function violationOf(check: CheckName, seen: string): Violation {
  return { check, ...checks[check], seen };
}

/** Describes a value for {@link Violation.seen}. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const name = (value.constructor as { readonly name?: string } | undefined)?.name;
  const code: unknown = Reflect.get(value, "code");
  return `${name === undefined || name === "" ? "an object" : `an instance of ${name}`}${typeof code === "string" ? ` with the code ${code}` : ""}`;
}
