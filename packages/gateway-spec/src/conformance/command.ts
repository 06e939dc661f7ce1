/** The `tsgi-conformance` command. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Serve } from "../index.ts";
import { cases } from "./cases/index.ts";
import { explain, FORMATS, summary } from "./report.ts";
import {
  type CaseOutcome,
  type CaseRun,
  checkTarget,
  type ConformanceTarget,
  labelOf,
  runCase,
  runsOf,
} from "./run.ts";
import type { Protocol } from "./wire.ts";

const USAGE = `usage: tsgi-conformance --serve <module> [options]
       tsgi-conformance [https://]<host>:<port> [options]

Checks a server against the TSGI specification, over a real socket.

  --serve <module>    a file that exports the server under test as "serve"
  <host>:<port>       a server that runs conformanceApplication of "@tsgi/gateway-spec/conformance";
                      cases that start and close servers are skipped
  https://…           the same over TLS, with any certificate; for a module the kit reads the "url" of its server

Where a server with TLS selects HTTP/2 by ALPN, the cases that have a meaning there run over it too: "request-url (h2)".

  --filter <text>     only the cases whose name contains the text; "(h2)" is a part of the name
  --format <format>   plain (default), tap, json or junit
  --output <file>     write the report to a file, and the counts to the standard output
  --help              print this text

A case that waits longer than a second says on the standard error what it waits for.

exit code: 0 if no case failed, 1 if one failed, 2 for wrong usage and for a server that cannot be reached
`;

/** Wrong usage. */
class UsageError extends Error {}

interface Plan {
  readonly target: ConformanceTarget;
  /** Over every protocol; the server may not speak all of them. */
  readonly runs: readonly CaseRun[];
  readonly format: keyof typeof FORMATS;
  /** The file for the report; `null` for the standard output. */
  readonly output: string | null;
}

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs the command and returns its exit code. Paths are relative to the current directory. */
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
  const uncaught = catchUncaught();
  try {
    const spoken = await spokenBy(plan);
    if (typeof spoken === "string") {
      err(`tsgi-conformance: ${spoken}\n`);
      return 2;
    }
    const runs = plan.runs.filter(({ protocol }) => spoken.includes(protocol));
    if (runs.length === 0) {
      err("tsgi-conformance: the server does not select HTTP/2 by ALPN\n");
      return 2;
    }
    return await runPlan({ ...plan, runs }, uncaught, { out, err });
  } finally {
    uncaught.stop();
  }
}

async function runPlan(
  { target, runs, format: name, output }: Plan,
  uncaught: Uncaught,
  { out: print, err }: Output,
): Promise<0 | 1> {
  const format = FORMATS[name]();
  let report = "";
  const out = (text: string) => {
    if (output === null) print(text);
    else report += text;
  };
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let number = 0;
  const onWait = (run: CaseRun, what: string) => {
    err(`waiting  ${labelOf(run)}: for ${what}\n`);
  };
  out(format.begin(runs.length));
  for (const run of runs) {
    const outcome = uncaught.blame(await runCase(run.case, target, { onWait, protocol: run.protocol }));
    counts[outcome.kind]++;
    out(format.result({ ...run, outcome }, ++number));
    // A server at an address that has stopped would fail all other cases too.
    const spoken = outcome.kind === "failed" && !("serve" in target) ? await spokenBy({ target, runs }) : null;
    if (typeof spoken === "string" && number < runs.length) {
      out(format.stop(`${spoken}; ${runs.length - number} cases were not run`));
      break;
    }
  }
  out(format.end(counts));
  if (output !== null) {
    try {
      await writeFile(resolve(output), report);
    } catch (error) {
      err(`tsgi-conformance: cannot write the report: ${error instanceof Error ? error.message : String(error)}\n`);
      return 1;
    }
    print(`${summary(counts)}, see ${output}\n`);
  }
  return counts.failed === 0 ? 0 : 1;
}

/** The protocols of the server, or what keeps every case from running. */
async function spokenBy({ target, runs }: Pick<Plan, "target" | "runs">): Promise<readonly Protocol[] | string> {
  // Every case is skipped.
  if (!("serve" in target) && runs.every(({ case: { kind } }) => kind === "server")) return ["http/1.1"];
  try {
    return await checkTarget(target);
  } catch (error) {
    return explain(error);
  }
}

/** `null` if help was requested. */
async function readPlan(args: readonly string[]): Promise<Plan | null> {
  const { values, positionals } = parse(args);
  if (values.help === true) return null;
  const { format = "plain", filter = "", serve, output } = values;
  if (!isFormat(format)) throw new UsageError(`unknown format "${format}": use ${Object.keys(FORMATS).join(", ")}`);
  const runs = runsOf(cases, ["http/1.1", "h2"]).filter((run) => labelOf(run).includes(filter));
  if (runs.length === 0) throw new UsageError(`no case has "${filter}" in its name`);
  const [address, extra] = positionals;
  if (extra !== undefined) throw new UsageError(`unexpected argument "${extra}"`);
  if (serve === undefined && address === undefined)
    throw new UsageError("name a server: --serve <module> or <host>:<port>");
  if (serve !== undefined && address !== undefined) throw new UsageError("use either --serve or an address, not both");
  const target = serve === undefined ? readAddress(address ?? "") : { serve: await importServe(serve) };
  return { target, runs, format, output: output ?? null };
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
        output: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    // The first sentence of node:util's message says what is wrong; the rest is advice that does not fit.
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
  if (host === undefined || Number(port) > 65_535)
    throw new UsageError(`"${text}" is not an address: write <host>:<port>, such as 127.0.0.1:7788`);
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
  if (typeof serve !== "function") throw new UsageError(`${file} does not export a function "serve"`);
  // The cases find out whether it is one.
  return serve as Serve;
}

interface Uncaught {
  /** The outcome of the case that has run: failed if there was an uncaught exception. */
  readonly blame: (outcome: CaseOutcome) => CaseOutcome;
  readonly stop: () => void;
}

/** Keeps an uncaught exception of the server from ending the process: it fails the running case. */
function catchUncaught(): Uncaught {
  const errors: unknown[] = [];
  const keep = (error: unknown): void => {
    errors.push(error);
  };
  process.on("uncaughtException", keep);
  process.on("unhandledRejection", keep);
  return {
    blame: (outcome) => {
      const [error] = errors.splice(0);
      return error === undefined || outcome.kind === "failed"
        ? outcome
        : { kind: "failed", error: new Error("uncaught exception or unhandled rejection", { cause: error }) };
    },
    stop: () => {
      process.off("uncaughtException", keep);
      process.off("unhandledRejection", keep);
    },
  };
}
