/**
 * Runs a guide: a page of Markdown whose code blocks are files and whose transcripts are commands with their output.
 *
 * - A block with a file name after its language, such as ```` ```ts app.ts ````, is written to that file of the guide's folder.
 * - A `text` block whose first line begins with `$ ` is a transcript. Each command is run, and its output compared; `…` in the
 *   expected output stands for any text of one line.
 *
 * Commands are `curl`, of which this knows the options that guides use and which goes to `app.ts` under the command `tsgi`; `node`
 * with a file; and `npx tsgi-migrate`. Variables may stand before them.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = resolve(import.meta.dirname, "../..");
/** It has all packages that a guide may import. */
const MODULES = join(ROOT, "examples/node_modules");
const TSX = pathToFileURL(join(MODULES, "tsx/dist/esm/index.mjs")).href;
const TSGI = join(ROOT, "packages/server/src/cli.ts");
const MIGRATE = join(ROOT, "packages/framework/src/database/migrate-cli.ts");
const START_TIMEOUT_MS = 60_000;

export type Step =
  | { readonly kind: "file"; readonly line: number; readonly name: string; readonly text: string }
  | Command;

interface Command {
  readonly kind: "command";
  readonly line: number;
  readonly command: string;
  /** What the page shows. */
  readonly output: string;
}

/** The files and commands of a page in their order. */
export function readGuide(markdown: string): readonly Step[] {
  const steps: Step[] = [];
  for (const match of markdown.matchAll(/^```(\w*)(?: (\S+))?\n([^]*?)^```$/gm)) {
    const [, language, name, text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    if (name !== undefined) steps.push({ kind: "file", line, name, text });
    else if (language === "text" && text.startsWith("$ ")) steps.push(...readTranscript(text, line));
  }
  return steps;
}

function readTranscript(text: string, line: number): readonly Step[] {
  return text
    .split(/^(?=\$ )/m)
    .map((part) => /^\$ ((?:.*\\\n)*.*)\n([^]*)$/.exec(part))
    .map((parts) => ({
      kind: "command",
      line,
      command: (parts?.[1] ?? "").replaceAll("\\\n", " "),
      output: parts?.[2] ?? "",
    }));
}

/** A guide in progress. Its files stay from page to page. */
export class GuideRunner {
  readonly #folder: string;
  readonly #jars = new Map<string, Map<string, string>>();
  #server: { readonly process: ChildProcess; readonly url: string } | null = null;

  /** @param folder an empty one. */
  constructor(folder: string) {
    this.#folder = folder;
    symlinkSync(MODULES, join(folder, "node_modules"));
    this.#write("package.json", JSON.stringify({ type: "module" }));
  }

  /** Runs a step. Gives what the command printed; the empty text for a file. */
  async run(step: Step): Promise<string> {
    if (step.kind === "command") return this.#execute(step);
    // The next request gets a server that has read the new file.
    await this.stop();
    this.#write(step.name, step.text);
    return "";
  }

  /** The messages of the compiler for all files; empty if they are right. */
  check(): string {
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      target: "es2024",
      lib: ["es2024", "esnext.disposable", "esnext.decorators"],
      module: "nodenext",
      typeRoots: [join(ROOT, "node_modules/@types")],
      types: ["node"],
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
    };
    this.#write("tsconfig.json", JSON.stringify({ compilerOptions, exclude: ["node_modules"] }));
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    return spawnSync(process.execPath, [tsc, "-p", "."], { cwd: this.#folder, encoding: "utf8" }).stdout;
  }

  async stop(): Promise<void> {
    const server = this.#server?.process;
    this.#server = null;
    if (server === undefined || server.exitCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
  }

  #write(name: string, text: string): void {
    const file = join(this.#folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  async #execute({ command, output }: Command): Promise<string> {
    const words = splitWords(command);
    const env: Record<string, string> = {};
    while (/^[A-Z_]+=/.test(words[0] ?? "")) {
      const [name = "", ...value] = (words.shift() ?? "").split("=");
      env[name] = value.join("=");
    }
    const [program, ...args] = words;
    if (program === "curl") return this.#curl(args, output);
    if (program === "node") return this.#node(["--import", TSX, ...args], env);
    if (program === "npx" && args[0] === "tsgi-migrate") return this.#node([MIGRATE, ...args.slice(1)], env);
    throw new Error(`a guide cannot run "${command}"`);
  }

  #node(args: readonly string[], env: Readonly<Record<string, string>>): string {
    const { stdout, stderr } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      cwd: this.#folder,
      env: { ...process.env, ...env },
      encoding: "utf8",
    });
    return stdout + stderr;
  }

  async #curl(args: readonly string[], expected: string): Promise<string> {
    const { url, method, headers, body, jars, format, showsBody, maxTimeMs } = this.#readCurl(args);
    const leaving = new AbortController();
    const { origin } = new URL(await this.#start());
    const response = await fetch(origin + url.pathname + url.search, {
      ...(method === null ? {} : { method }),
      ...(body === null ? {} : { body }),
      headers,
      signal: leaving.signal,
      redirect: "manual",
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]*)=([^;]*)/.exec(cookie) ?? [];
      for (const jar of jars) jar.set(name, value);
    }
    const content = await (maxTimeMs === null ? response.text() : readStream(response, leaving, maxTimeMs, expected));
    const written = format
      .replaceAll("%{http_code}", String(response.status))
      .replaceAll("%{content_type}", response.headers.get("content-type") ?? "")
      .replaceAll("%{redirect_url}", response.headers.get("location") ?? "")
      .replaceAll(/%header\{([\w-]+)\}/g, (_, name: string) => response.headers.get(name) ?? "")
      .replaceAll(String.raw`\n`, "\n");
    return (showsBody ? content : "") + written;
  }

  #readCurl(args: readonly string[]) {
    const headers = new Headers();
    const jars: Map<string, string>[] = [];
    let url = new URL("http://localhost/");
    let method: string | null = null;
    let body: string | URLSearchParams | FormData | null = null as string | URLSearchParams | FormData | null;
    let format = "";
    let showsBody = true;
    let maxTimeMs: number | null = null;
    const rest = [...args];
    for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
      if (!word.startsWith("-")) url = new URL(word);
      else if (word === "-X") method = rest.shift() ?? "";
      else if (word === "-w") format = rest.shift() ?? "";
      else if (word === "--max-time") maxTimeMs = Number(rest.shift()) * 1000;
      else if (word === "-o") showsBody = rest.shift() !== "/dev/null";
      else if (word === "-H") headers.set(...(splitAt(rest.shift() ?? "", ": ") as [string, string]));
      else if (word === "-d") {
        method ??= "POST";
        body = body instanceof URLSearchParams ? body : new URLSearchParams();
        for (const [name, value] of new URLSearchParams(rest.shift())) body.append(name, value);
      } else if (word === "--json") {
        method ??= "POST";
        body = rest.shift() ?? "";
        headers.set("content-type", "application/json");
        headers.set("accept", "application/json");
      } else if (word === "-F") {
        method ??= "POST";
        body = body instanceof FormData ? body : new FormData();
        const [name, value] = splitAt(rest.shift() ?? "", "=");
        if (value.startsWith("@")) body.append(name, this.#fileOf(value.slice(1)), value.slice(1));
        else body.append(name, value);
      } else if (word === "-b" || word === "-c") {
        const name = rest.shift() ?? "";
        const jar = this.#jars.get(name) ?? new Map<string, string>();
        this.#jars.set(name, jar);
        if (word === "-c") jars.push(jar);
        else if (jar.size > 0) headers.set("cookie", [...jar].map((pair) => pair.join("=")).join("; "));
      } else throw new Error(`a guide cannot run curl with ${word}`);
    }
    return { url, method, headers, body, jars, format, showsBody, maxTimeMs };
  }

  #fileOf(name: string): Blob {
    // curl guesses the type by the extension.
    const type = name.endsWith(".txt") ? "text/plain" : "application/octet-stream";
    return new Blob([readFileSync(join(this.#folder, name))], { type });
  }

  async #start(): Promise<string> {
    if (this.#server !== null) return this.#server.url;
    const server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", TSGI, "0", "./app.ts"], {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const listening = Promise.withResolvers<string>();
    for (const stream of [server.stdout, server.stderr]) {
      stream.on("data", (data: Buffer) => {
        output += data.toString();
        const [url] = /http:\/\/127\.0\.0\.1:\d+(?=\/)/.exec(output) ?? [];
        if (url !== undefined) listening.resolve(url);
      });
    }
    server.once("exit", () => listening.reject(new Error(`app.ts ended:\n${output}`)));
    const timer = setTimeout(() => listening.reject(new Error(`app.ts does not listen:\n${output}`)), START_TIMEOUT_MS);
    try {
      const url = await listening.promise;
      this.#server = { process: server, url };
      return url;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The words of a command. Quotes keep spaces, and everything between single quotes is literal. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, "$1$2"),
  );
}

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** Whether a command printed what the guide says. White space at the end does not count. */
export function matches(expected: string, actual: string): boolean {
  const pattern = expected
    .trimEnd()
    .split("…")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${pattern.join(".*")}$`).test(actual.trimEnd());
}

/**
 * The content of a stream that has no end, up to the time that the page gives it. A busy machine may need longer, so it is read until
 * the page's output is there as well, or until that cannot be waited for any more.
 */
async function readStream(
  response: Response,
  leaving: AbortController,
  maxTimeMs: number,
  expected: string,
): Promise<string> {
  let text = "";
  let isOver = false;
  const leaveAtTheEnd = () => {
    if (isOver && matches(expected, text)) leaving.abort();
  };
  const timers = [
    setTimeout(() => {
      isOver = true;
      leaveAtTheEnd();
    }, maxTimeMs),
    setTimeout(() => leaving.abort(), START_TIMEOUT_MS),
  ];
  const decoder = new TextDecoder();
  try {
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      text += decoder.decode(piece, { stream: true });
      leaveAtTheEnd();
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
  return text;
}
