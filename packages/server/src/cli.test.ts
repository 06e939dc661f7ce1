import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { get as requestTo, lastContent, WireClient } from "../test/wire-client.ts";
import { OPTIONS } from "./config.ts";
import { selfSigned } from "./tls/self-signed.ts";

const CLI = fileURLToPath(new URL("cli.ts", import.meta.url));
const ADDRESS = /tsgi: (https?:\/\/\S+) \((socket|node) server, pid (\d+)\)/;

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-cli-"));
  await put("package.json", '{ "type": "module" }');
  await put("app.ts", 'export const application = (): object => ({ status: 200, body: "application" });');
  await put(
    "many.js",
    `const answer = (body) => () => ({ status: 200, body });
     export default { fetch: answer("default") };
     export const app = answer("app");
     export const nested = { inner: { fetch: answer("inner") } };
     export const number = 1;`,
  );
  await put("only-app.js", 'export const app = () => ({ status: 200, body: "app" });');
  await put("none.js", "export const something = 1;");
  await put("empty.js", "export {};");
  await put("broken.js", "export const a = 1;\nexport const b = ;\n");
  await put("broken.ts", "export const a: number = 1;\nexport const b = ;\n");
  await put("throws.js", 'throw new TypeError("a bug");');
  await put("bug.js", "export const application = { fetch: () => ({ status: 200 }), startup: () => null.x };");
  await put("import-missing.js", 'import "not-installed"; export const app = () => ({ status: 200 });');
  await put(
    "unreachable.js",
    `export const application = {
       fetch: () => ({ status: 200 }),
       startup: () => { throw Object.assign(new Error("The database does not answer: start it"), { code: "DATABASE_UNREACHABLE" }); },
     };
     setInterval(() => undefined, 1000);`,
  );
  await put(
    "decorated.ts",
    `function twice(method: () => string, _context: ClassMethodDecoratorContext) { return () => method() + method(); }
     class Page { @twice render(): string { return "decorated "; } }
     export const application = (): object => ({ status: 200, body: new Page().render() });`,
  );
  await put(
    "slow.js",
    `export const application = {
       fetch: (request) => new Promise((resolve) => {
         if (request.url.endsWith("/slow")) setTimeout(resolve, 300, { status: 200, body: "late" });
         console.log("in the handler");
       }),
       shutdown: () => console.log("shut down"),
     };`,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function put(name: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}

/** A running command: its output so far, and waiting for more of it. */
class Command implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = "";
  stderr = "";
  #wake = Promise.withResolvers<undefined>();

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd: string = folder) {
    const { PATH = "", NODE_OPTIONS = "" } = process.env;
    this.process = spawn(process.execPath, [CLI, ...args], { cwd, env: { PATH, NODE_OPTIONS, ...env } });
    this.process.stdout?.on("data", (bytes: Buffer) => {
      this.stdout += bytes.toString();
      this.#notify();
    });
    this.process.stderr?.on("data", (bytes: Buffer) => {
      this.stderr += bytes.toString();
      this.#notify();
    });
    this.exited = new Promise((resolve) => {
      this.process.once("close", (code) => {
        resolve(code);
        this.#notify();
      });
    });
  }

  /** Waits until the standard output holds the pattern behind the given place. */
  async until(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout.slice(from));
      if (match !== null) return match;
      if (this.process.exitCode !== null) throw new Error(`It ended:\n${this.stdout}\n${this.stderr}`);
      await this.#wake.promise;
    }
  }

  async get(path = ""): Promise<string> {
    const [, url = ""] = await this.until(ADDRESS);
    const response = await fetch(url + path);
    return response.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null) this.process.kill("SIGKILL");
    await this.exited;
  }

  #notify(): void {
    this.#wake.resolve(undefined);
    this.#wake = Promise.withResolvers();
  }
}

async function outcome(args: readonly string[], env?: Readonly<Record<string, string>>, cwd?: string) {
  await using command = new Command(args, env, cwd);
  const code = await command.exited;
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test("HTTPS with --tls-self-signed, or with a certificate and its key", async () => {
  const pair = selfSigned();
  await put("cert.pem", pair.cert);
  await put("key.pem", pair.key);
  await using own = new Command(["0", "app.ts", "--tls-self-signed"]);
  await using given = new Command(["0", "app.ts", "--server", "node"], {
    TSGI_TLS_CERT: "cert.pem",
    TSGI_TLS_KEY: "key.pem",
  });
  const [, ownUrl = ""] = await own.until(ADDRESS);
  const [, givenUrl = ""] = await given.until(ADDRESS);
  expect([ownUrl, givenUrl]).toEqual([expect.stringMatching(/^https:/), expect.stringMatching(/^https:/)]);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(givenUrl, { ca: pair.cert, agent: false }, resolve).on("error", reject);
  });
  expect(Buffer.concat(await response.toArray()).toString()).toBe("application");
});

describe("serves", () => {
  test.each([
    ["an export", ["0", "./app.ts:application"], "application"],
    ["without ./", ["0", "app.ts"], "application"],
    ["the default export", ["0", "many.js"], "default"],
    ["another export", ["0", "many.js:app"], "app"],
    ["a member of an export", ["0", "many.js:nested.inner"], "inner"],
    ["app where there is nothing else", ["0", "only-app.js"], "app"],
    ["on a host", ["localhost:0", "app.ts"], "application"],
    ["with options", ["app.ts", "--port", "0", "--host=127.0.0.1", "--max-body-bytes", "1"], "application"],
    ["standard decorators, where tsx is there", ["0", "decorated.ts"], "decorated decorated "],
    ["by the socket server", ["0", "app.ts", "--server", "socket"], "application"],
    ["by node:http", ["0", "app.ts", "--server", "node"], "application"],
  ])("%s", async (_name, args, body) => {
    await using command = new Command(args);
    expect(await command.get()).toBe(body);
    const [, , server, pid] = await command.until(ADDRESS);
    expect([server, pid]).toEqual([args.includes("node") ? "node" : "socket", String(command.process.pid)]);
  });

  test("what the environment says, unless the command line says otherwise", async () => {
    const env = { PORT: "99999", TSGI_PORT: "0", TSGI_APPLICATION: "many.js", TSGI_HOST: "" };
    await using byEnvironment = new Command([], env);
    expect(await byEnvironment.get()).toBe("default");
    await using byArguments = new Command(["app.ts"], env);
    expect(await byArguments.get()).toBe("application");
  });

  test.each([
    ["tsgi.config.json", '{ "application": "../app.ts", "port": 0, "server": "socket" }'],
    ["tsgi.config.js", 'export default { application: "../app.ts", port: 0 };'],
    ["tsgi.config.ts", 'export default { application: "../app.ts" as string, port: 0 };'],
  ])("what %s says", async (name, content) => {
    const place = join(folder, `with-${name}`);
    await put(join(`with-${name}`, name), content);
    await using command = new Command([], {}, place);
    expect(await command.get()).toBe("application");
  });
});

describe("wrong usage exits with 2 and shows how to use it", () => {
  test.each([
    ["no application", [], "which application?"],
    ["only a port", ["7788"], "which application?"],
    ["an unknown option", ["app.ts", "--prot", "1"], "'--prot'"],
    ["a port out of range", ["99999", "app.ts"], '"99999": must be a whole number from 0 to 65535'],
    ["a port that is no number", ["app.ts", "--port", "0x50"], "--port: must be a whole number"],
    ["no such server", ["0", "app.ts", "--server", "apache"], "--server: must be socket or node"],
    ["no port where one is expected", ["seven", "app.ts"], '"seven" is neither a port nor host:port'],
    ["one word too many", ["0", "app.ts", "app.ts"], '"app.ts" is one word too many'],
    ["the port twice", ["0", "app.ts", "--port", "1"], "--port is given twice"],
    ["no such configuration file", ["--config", "nowhere.json"], "nowhere.json"],
  ])("%s", async (_name, args, message) => {
    const { code, stderr, stdout } = await outcome(args);
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage: tsgi [[host:]port] module[:export] [options]");
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("and names the variable, or the place in the file, that is wrong", async () => {
    expect((await outcome(["app.ts"], { PORT: "http" })).stderr).toContain("PORT: must be a whole number");
    await put("wrong/tsgi.config.json", '{ "port": -1, "prot": 1 }');
    const { code, stderr } = await outcome(["../app.ts"], {}, join(folder, "wrong"));
    expect(stderr).toContain("port in tsgi.config.json: must be a whole number from 0 to 65535");
    expect(stderr).toContain("prot in tsgi.config.json: there is no such option");
    expect(code).toBe(2);
  });
});

describe("what cannot be started is one clear line, and exits with 1", () => {
  test.each([
    ["no such file", ["0", "nothing.ts"], /^tsgi: There is no file nothing\.ts in \S+$/],
    ["no such export", ["0", "many.js:aplication"], /no export "aplication": it exports app, default, nested, number$/],
    ["none of the usual exports", ["0", "none.js"], /exports none of application, default, app: it exports something$/],
    ["no exports at all", ["0", "empty.js"], /it exports nothing$/],
    ["an export that is no application", ["0", "many.js:number"], /"number" of many\.js is no application/],
    ["a package that is not installed", ["0", "import-missing.js"], /Cannot find package 'not-installed'/],
    ["a start-up that knows why", ["0", "unreachable.js"], /^tsgi: The database does not answer: start it$/],
    ["broken TypeScript", ["0", "broken.ts"], /broken\.ts:2:17: ERROR/],
    ["an address of another machine", ["192.0.2.1:0", "app.ts"], /^tsgi: This machine has no address 192\.0\.2\.1: /],
    [
      "a host that does not exist",
      ["nowhere.invalid:0", "app.ts"],
      /^tsgi: The host name nowhere\.invalid is not known/,
    ],
  ])("%s", async (_name, args, message) => {
    const { code, stdout, stderr } = await outcome(args);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([code, stdout]).toEqual([1, ""]);
  });

  test.each(["socket", "node"])("a port in use (%s server)", async (server) => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await outcome([String(port), "app.ts", "--server", server]);
    other.close();
    expect(stderr).toMatch(
      new RegExp(`^tsgi: Port ${port} of 127\\.0\\.0\\.1 is in use: .*choose another port, such as \\d+\n$`),
    );
    expect(code).toBe(1);
  });
});

describe("what nobody foresaw keeps its stack", () => {
  test.each([
    ["a module that throws", "throws.js", /throws\.js:1[^]*TypeError: a bug\n\s+at /],
    ["a bug in start-up", "bug.js", /TypeError: Cannot read properties of null[^]*bug\.js:1/],
    ["a syntax error, with its place", "broken.js", /broken\.js:2\nexport const b = ;\n\s+\^[^]*SyntaxError/],
  ])("%s", async (_name, file, message) => {
    const { code, stderr } = await outcome(["0", file]);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });
});

describe("signals", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s lets exchanges end, then shuts the application down",
    async (signal) => {
      await using command = new Command(["0", "slow.js"]);
      const body = command.get("slow");
      await command.until(/in the handler/);
      command.process.kill(signal);
      expect(await body).toBe("late");
      expect(await command.exited).toBe(0);
      expect(command.stdout).toMatch(/shutting down\nshut down\n$/);
    },
  );

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a second %s ends the process at once", async (signal, code) => {
    await using command = new Command(["0", "slow.js", "--shutdown-timeout-ms", "600000"]);
    const body = command.get("never").catch(() => "cut off");
    await command.until(/in the handler/);
    command.process.kill(signal);
    await command.until(/shutting down/);
    command.process.kill(signal);
    expect(await command.exited).toBe(code);
    expect(await body).toBe("cut off");
  });
});

describe("--watch", () => {
  test("starts again on a change, waits after a crash, and ends on a signal", async () => {
    await put("watched/app.ts", 'export const application = () => ({ status: 200, body: "one" });');
    await put("watched/package.json", '{ "type": "module" }');
    await using command = new Command(["0", "app.ts", "--watch"], {}, join(folder, "watched"));
    expect(await command.get()).toBe("one");

    let seen = command.stdout.length;
    await put("watched/app.ts", 'throw new Error("broken");');
    await command.until(/app\.ts changed, starting again[^]*ended \(exit code 1\); waiting for a change/, seen);
    expect(command.stderr).toContain("Error: broken");

    seen = command.stdout.length;
    await put("watched/app.ts", 'export const application = () => ({ status: 200, body: "two" });');
    const [, url = "", , pid = ""] = await command.until(ADDRESS, seen);
    expect(await (await fetch(url)).text()).toBe("two");

    seen = command.stdout.length;
    await put("watched/views/new/index.eta", "<p>");
    await command.until(/views\/new\/index\.eta changed, starting again[^]*tsgi: http/, seen);

    command.process.kill("SIGINT");
    expect(await command.exited).toBe(0);
    expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
  });

  test.each(["socket", "node"])(
    "a restart waits for the requests that run, and for no idle connection (%s server)",
    async (server) => {
      const place = `idle-${server}`;
      // Where they were waited for, nothing would ever happen here.
      await put(join(place, "tsgi.config.json"), '{ "drainIdleMs": 600000, "shutdownTimeoutMs": 600000 }');
      const change = () =>
        put(
          join(place, "app.mjs"),
          `export const application = (request, { draining }) => new Promise((resolve) => {
             if (!request.url.endsWith("/slow")) return resolve({ status: 200, body: "quick" });
             console.log("in the handler");
             draining.addEventListener("abort", () => setImmediate(resolve, { status: 200, body: "late" }));
           });`,
        );
      await change();
      await using command = new Command(["0", "app.mjs", "--watch", "--server", server], {}, join(folder, place));
      const [, url = ""] = await command.until(ADDRESS);
      const { hostname, port } = new URL(url);
      const connect = () => new WireClient({ transport: "tcp", hostname, port: Number(port) });
      const [idle, busy] = [connect(), connect()];
      await idle.send(requestTo("/")).until("quick");
      busy.send(requestTo("/slow"));
      await command.until(/in the handler/);

      const seen = command.stdout.length;
      await change();
      expect(lastContent(await busy.end())).toBe("late");
      await idle.end();
      await command.until(ADDRESS, seen);
    },
  );
});

describe("says", () => {
  test("what its version is", async () => {
    const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await outcome(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("how to use it, every option included", async () => {
    const { code, stdout } = await outcome(["--help"]);
    expect(code).toBe(0);
    for (const { flag, description } of OPTIONS) {
      expect(stdout).toContain(`  ${flag}`);
      expect(stdout).toContain(description);
    }
  });

  test("it through a symbolic link, as package managers install it", async () => {
    await symlink(CLI, join(folder, "tsgi"));
    const command = spawn(process.execPath, [join(folder, "tsgi"), "--version"]);
    const code = await new Promise((resolve) => command.once("exit", resolve));
    expect(code).toBe(0);
  });
});
