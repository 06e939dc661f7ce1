/** The `tsgi-conformance` command. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Serve } from "../index.ts";
import type { ConformanceCase } from "./case.ts";
import { cases } from "./cases/index.ts";
import { FORMATS } from "./report.ts";
import { type CaseOutcome, type ConformanceTarget, runConformance } from "./run.ts";

const USAGE = `usage: tsgi-conformance --serve <module> [options]
       tsgi-conformance [https://]<host>:<port> [options]

Holds a server to the TSGI specification, over a real socket.

  --serve <module>    a file whose export "serve" is the server under test
  <host>:<port>       a server that runs conformanceApplication of "@tsgi/gateway-spec/conformance";
                      the cases that start and close servers are skipped
  https://…           the same over TLS, whatever certificate it shows; a module's server says it by its "url"

  --filter <text>     only the cases whose name contains the text
  --format <format>   plain (default) or tap
  --help              print this

exit code: 0 when no case failed, 1 when one did, 2 for wrong usage
`;

/** Wrong usage. */
class UsageError extends Error {}

interface Plan {
  readonly target: ConformanceTarget;
  readonly cases: readonly ConformanceCase[];
  readonly format: keyof typeof FORMATS;
}

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs the command and gives its exit code. Paths are resolved against the current directory. */
export async function runCommand(args: readonly string[], { out, err }: Output): Promise<0 | 1 | 2> {
  let plan: Plan | null;
  try {
    plan = await readPlan(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    err(`tsgi-conformance: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (plan === null) {
    out(USAGE);
    return 0;
  }
  const format = FORMATS[plan.format];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const strays = catchStrays();
  let number = 0;
  out(format.begin(plan.cases.length));
  for await (const result of runConformance(plan.target, plan.cases)) {
    const outcome = strays.blame(result.outcome);
    counts[outcome.kind]++;
    out(format.result({ ...result, outcome }, ++number));
  }
  strays.stop();
  out(format.end(counts));
  return counts.failed === 0 ? 0 : 1;
}

/** Null where help is asked for. */
async function readPlan(args: readonly string[]): Promise<Plan | null> {
  const { values, positionals } = parse(args);
  if (values.help === true) return null;
  const { format = "plain", filter = "", serve } = values;
  if (!isFormat(format)) throw new UsageError(`"${format}" is no format: plain or tap`);
  const chosen = cases.filter(({ name }) => name.includes(filter));
  if (chosen.length === 0) throw new UsageError(`no case has "${filter}" in its name`);
  const [address, extra] = positionals;
  if (extra !== undefined) throw new UsageError(`"${extra}" is one word too many`);
  if (serve === undefined && address === undefined) throw new UsageError("which server? Name a module or an address");
  if (serve !== undefined && address !== undefined) throw new UsageError("a module or an address, not both");
  const target = serve === undefined ? readAddress(address ?? "") : { serve: await importServe(serve) };
  return { target, cases: chosen, format };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        serve: { type: "string" },
        filter: { type: "string" },
        format: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    // node:util's message says what is wrong in its first sentence; the rest is advice for other cases.
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error));
  }
}

function isFormat(name: string): name is keyof typeof FORMATS {
  return Object.hasOwn(FORMATS, name);
}

function readAddress(text: string): ConformanceTarget {
  const [, scheme, bracketed, plain, port] =
    /^(?:(https?):\/\/)?(?:\[([^\]]+)\]|([^:/]+)):(\d{1,5})\/?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new UsageError(`"${text}" is no host:port`);
  return { host, port: Number(port), tls: scheme === "https" };
}

async function importServe(path: string): Promise<Serve> {
  const file = resolve(path);
  let module: Readonly<Record<string, unknown>>;
  try {
    module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UsageError(`cannot import ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const serve = module["serve"];
  if (typeof serve !== "function") throw new UsageError(`${file} has no function "serve" among its exports`);
  // Whether it is one is what the cases are to find out.
  return serve as Serve;
}

/** What the server throws where nobody can catch it would end the process: it fails the case that is running. */
function catchStrays() {
  const strays: unknown[] = [];
  const keep = (error: unknown): void => {
    strays.push(error);
  };
  process.on("uncaughtException", keep);
  process.on("unhandledRejection", keep);
  return {
    blame: (outcome: CaseOutcome): CaseOutcome => {
      const [error] = strays.splice(0);
      return error === undefined || outcome.kind === "failed"
        ? outcome
        : { kind: "failed", error: new Error("An error was thrown that nobody could catch", { cause: error }) };
    },
    stop: () => {
      process.off("uncaughtException", keep);
      process.off("unhandledRejection", keep);
    },
  };
}
