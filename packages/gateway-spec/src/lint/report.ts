/** How a violation is told. */
import { checks, type CheckName } from "./checks.ts";

/** A rule that one side broke. */
export interface Violation {
  readonly check: CheckName;
  /** The rule's number in SPEC.md, such as `TSGI-16`. */
  readonly rule: string;
  readonly side: "server" | "application";
  readonly seen: string;
  readonly expected: string;
}

/** What a violation is thrown as. */
export class LintError extends Error {
  override readonly name = "LintError";
  readonly code = "LINT_VIOLATION";
  readonly violation: Violation;

  constructor(violation: Violation, options?: ErrorOptions) {
    super(describe(violation), options);
    this.violation = violation;
  }
}

/** One sentence: rule, check, who, what was seen, what was expected. */
export function describe({ rule, check, side, seen, expected }: Violation): string {
  return `${rule} (${check}), broken by the ${side}: saw ${seen}, expected ${expected}`;
}

export interface Reporter {
  /** For a violation with a call on the stack that can fail. Throws a {@link LintError} where nobody asked for reports. */
  now(check: CheckName, seen: string, cause?: unknown): void;
  /** For a violation that no call made. Logs it where nobody asked for reports. */
  later(check: CheckName, seen: string): void;
}

export function toReporter(report: ((violation: Violation) => void) | undefined): Reporter {
  if (report !== undefined) {
    const tell = (check: CheckName, seen: string) => {
      report(violationOf(check, seen));
    };
    return { now: tell, later: tell };
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

/** A value in a few words, for {@link Violation.seen}. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const name = (value.constructor as { readonly name?: string } | undefined)?.name;
  const code: unknown = Reflect.get(value, "code");
  return `${name === undefined || name === "" ? "an object" : `an instance of ${name}`}${typeof code === "string" ? ` with the code ${code}` : ""}`;
}
