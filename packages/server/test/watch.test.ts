/** `--watch` as a user runs it: the command, its processes, files that change, clients that connect meanwhile. */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get as getTls } from "node:https";
import { request as requestOverPath, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { freePorts } from "../../framework/test/free-port.ts";
import { appOf, putFile, WatchedCommand } from "./watched-command.ts";
import { get, lastContent, WireClient } from "./wire-client.ts";

/** On a connection of its own: one that a process before a restart has left would be closed. */
async function textOf(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return response.text();
}

describe("while the application restarts", () => {
  test("a request waits, and gets the new code", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("one") });
    const { url, pid } = await command.serves();
    expect(await textOf(url)).toBe("one");
    command.put({ "app.ts": appOf("two") });
    await command.says(/app\.ts changed, starting again/);
    expect(await textOf(url)).toBe("two");
    expect((await command.serves()).pid).not.toBe(pid);
  });

  test("no connection is refused or lost in five restarts", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("0") });
    const { url } = await command.serves();
    const failures: unknown[] = [];
    const texts = new Set<string>();
    const done = new AbortController();
    const client = async () => {
      while (!done.signal.aborted) {
        try {
          texts.add(await textOf(url));
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const clients = [client(), client(), client()];
    for (let i = 0; i <= 5; i++) {
      if (i > 0) command.put({ "app.ts": appOf(String(i)) });
      await command.serves();
      // A client has got this text before the next change.
      while (!texts.has(String(i))) await textOf(url);
    }
    done.abort();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect([...texts]).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  test.each(["socket", "node"])(
    "running requests finish, and idle connections are not waited for (%s server)",
    async (server) => {
      const app = `
      export const application = (request, { draining }) => new Promise((resolve) => {
        if (!request.url.endsWith("/slow")) return resolve({ status: 200, body: "quick" });
        console.log("in the handler");
        draining.addEventListener("abort", () => setImmediate(resolve, { status: 200, body: "late" }));
      });`;
      const options = '{ "drainIdleMs": 600000, "shutdownTimeoutMs": 600000, "headTimeoutMs": 600000 }';
      await using command = new WatchedCommand({ "app.mjs": app, "tsgi.config.json": options }, [
        "0",
        "app.mjs",
        "--server",
        server,
      ]);
      const { hostname, port } = new URL((await command.serves()).url);
      const open = () => new WireClient({ transport: "tcp", hostname, port: Number(port) });
      // Browsers open connections for requests that may follow.
      const [idle, silent, busy] = [open(), open(), open()];
      await idle.send(get("/")).until("quick");
      busy.send(get("/slow"));
      await command.says(/in the handler/);
      command.put({ "app.mjs": app });
      expect(lastContent(await busy.end())).toBe("late");
      await Promise.all([idle.end(), silent.end()]);
      await command.serves();
    },
  );

  test.each([
    ["a request that does not end is terminated after a second", "return new Promise(() => undefined);"],
    ["a process that is stuck is killed", "for (;;);"],
  ])("%s", async (_title, end) => {
    const app = `export const application = () => { console.log("in the handler"); ${end} };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    const { url } = await command.serves();
    const failed = fetch(url).catch(() => "terminated");
    await command.says(/in the handler/);
    command.put({ "app.mjs": appOf("two").replace(": object", "") });
    expect(await failed).toBe("terminated");
    expect(await textOf((await command.serves()).url)).toBe("two");
  });
});

describe("the application restarts on a change of", () => {
  test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    [
      "a module that it imports",
      { "app.ts": 'export { application } from "./lib.ts";', "lib.ts": appOf("one") },
      { "lib.ts": appOf("two") },
    ],
    [
      "JSON that it imports",
      {
        "app.ts":
          'import data from "./d.json" with { type: "json" };\nexport const application = (): object => ({ status: 200, body: data.x });',
        "d.json": '{ "x": "one" }',
      },
      { "d.json": '{ "x": "two" }' },
    ],
    [
      "a module that tsx compiles",
      {
        "app.ts": `enum Text { value = "one" }\nexport const application = (): object => ({ status: 200, body: Text.value });`,
      },
      {
        "app.ts": `enum Text { value = "two" }\nexport const application = (): object => ({ status: 200, body: Text.value });`,
      },
    ],
    [
      ".env",
      {
        "app.ts":
          "process.loadEnvFile();\nconst { TEXT } = process.env;\nexport const application = (): object => ({ status: 200, body: TEXT });",
        ".env": "TEXT=one",
      },
      { ".env": "TEXT=two" },
    ],
  ])("%s", async (_what, files, changed) => {
    await using command = new WatchedCommand(files);
    expect(await textOf((await command.serves()).url)).toBe("one");
    command.put(changed);
    expect(await textOf((await command.serves()).url)).toBe("two");
  });

  test("a file of node's --env-file", async () => {
    const app = 'export const application = (): object => ({ status: 200, body: process.env["TEXT"] });';
    const folder = mkdtempSync(join(tmpdir(), "tsgi-env-"));
    const file = join(folder, "my.env");
    writeFileSync(file, "TEXT=one");
    await using command = new WatchedCommand({ "app.ts": app }, ["0", "app.ts"], {
      execArgv: [`--env-file=${file}`],
    });
    expect(await textOf((await command.serves()).url)).toBe("one");
    command.put({});
    putFile(file, "TEXT=two");
    expect(await textOf((await command.serves()).url)).toBe("two");
    rmSync(folder, { recursive: true });
  });

  test("a file that an editor replaces by renaming or writes in place, and one that was deleted and comes back", async () => {
    await using command = new WatchedCommand({
      "app.ts": 'export { application } from "./lib.ts";',
      "lib.ts": appOf("one"),
    });
    const { url } = await command.serves();
    command.put({ "lib.ts~": appOf("two") });
    renameSync(join(command.folder, "lib.ts~"), join(command.folder, "lib.ts"));
    expect(await textOf((await command.serves()).url)).toBe("two");
    command.put({});
    // It is empty for a moment, and an empty module does not serve.
    writeFileSync(join(command.folder, "lib.ts"), appOf("three"));
    expect(await textOf((await command.serves()).url)).toBe("three");
    command.put({});
    rmSync(join(command.folder, "lib.ts"));
    await command.showsError();
    expect(await textOf(url)).toContain("lib.ts");
    command.put({ "lib.ts": appOf("four") });
    expect(await textOf((await command.serves()).url)).toBe("four");
  });

  test("a package of the workspace, which is a symbolic link", async () => {
    const workspace = mkdtempSync(join(tmpdir(), "tsgi-workspace-"));
    const library = join(workspace, "packages/lib");
    mkdirSync(join(workspace, "node_modules"));
    putFile(join(library, "package.json"), '{ "name": "lib", "type": "module", "exports": "./index.ts" }');
    putFile(join(library, "index.ts"), appOf("one"));
    symlinkSync("../packages/lib", join(workspace, "node_modules/lib"));
    await using command = new WatchedCommand({ "app.ts": 'export { application } from "lib";' }, ["0", "app.ts"], {
      links: { node_modules: join(workspace, "node_modules") },
    });
    expect(await textOf((await command.serves()).url)).toBe("one");
    command.put({});
    putFile(join(library, "index.ts"), appOf("two"));
    expect(await textOf((await command.serves()).url)).toBe("two");
    rmSync(workspace, { recursive: true });
  });

  test("what --watch-path names", async () => {
    const app = `
      import { readFileSync } from "node:fs";
      const text = readFileSync("sql/schema.sql", "utf8");
      export const application = () => ({ status: 200, body: text });`;
    await using command = new WatchedCommand({ "app.mjs": app, "sql/schema.sql": "one" }, [
      "0",
      "app.mjs",
      "--watch-path",
      "sql",
    ]);
    expect(await textOf((await command.serves()).url)).toBe("one");
    command.put({ "sql/schema.sql": "two" });
    expect(await textOf((await command.serves()).url)).toBe("two");
  });

  test("the configuration file, also where the address changes, and a wrong one shows in the browser", async () => {
    const config = (text: string) =>
      `import { text } from "./port.ts";\nexport default { application: "./app.ts", ${text} };`;
    // One that the system gives to no other program afterwards.
    const [port = 0] = await freePorts(1);
    await using command = new WatchedCommand(
      { "app.ts": appOf("one"), "port.ts": "export const text = 1;", "tsgi.config.ts": config(`port: ${port}`) },
      [],
    );
    const first = await command.serves();
    expect(new URL(first.url).port).toBe(String(port));
    command.put({ "tsgi.config.ts": config('hostname: "localhost", port: 0, maxFields: 1') });
    const second = await command.serves();
    expect((await fetch(second.url)).status).toBe(431);
    await expect(fetch(first.url)).rejects.toThrow();
    command.put({ "tsgi.config.ts": config('hostname: "localhost", port: 0, maxFields: "many"') });
    await command.showsError();
    await command.until(/maxFields in tsgi\.config\.ts: must be a whole number/, 0, "stderr");
    command.put({ "tsgi.config.ts": config('hostname: "localhost", port: 0') });
    expect(await textOf((await command.serves()).url)).toBe("one");
  });
});

test("views, style sheets, static files, and files that the application writes restart nothing", async () => {
  const app = `
    import { appendFileSync } from "node:fs";
    export const application = () => {
      for (const name of ["data.json", "stock.db", "stock.db-wal", "app.log"]) appendFileSync(name, "x");
      return { status: 200, body: String(process.pid) };
    };`;
  await using command = new WatchedCommand({ "app.mjs": app, "views/index.html": "", "static/app.js": "" }, [
    "0",
    "app.mjs",
  ]);
  const { url, pid } = await command.serves();
  await textOf(url);
  // First: a late event of another file would stand in the same line, and the pages would reload.
  command.put({ "static/style.css": "p {}", "static/other.css": "p {}" });
  await command.says(/style\.css.* changed, pages take the new styles/);
  for (const name of ["views/index.html", "static/app.js", "static/new.svg", "views/new/page.eta"]) {
    command.put({ [name]: "2" });
    await command.says(new RegExp(`${name}.* changed, pages reload`));
  }
  command.put({
    "unused.ts": "1",
    "unused.json": "1",
    "node_modules/x/index.js": "1",
    ".cache/a.css": "1",
    "last.css": "",
  });
  await command.says(/last\.css.* changed/);
  expect(await textOf(url)).toBe(String(pid));
  expect(command.stdout).not.toContain("starting again");
});

describe("an application that does not run shows why, and starts when it is fixed", () => {
  test.each<[string, string, string, string | undefined]>([
    ["a syntax error in TypeScript", "app.ts", "export const a: number = 1;\nexport const b = ;\n", "app.ts:2:18"],
    ["a syntax error in JavaScript", "app.js", "export const a = 1;\nexport const b = ;\n", "app.js:2:18"],
    ["an error", "app.ts", 'const x: number = 1;\nthrow new TypeError("a bug");\n', "app.ts:2:7"],
    ["a missing module", "app.ts", 'import "./missing.ts";\n', undefined],
    ["a missing export", "app.ts", "export const other = 1;\n", undefined],
    ["an exit", "app.ts", 'console.error("DATABASE_URL is not set");\nprocess.exit(3);\n', undefined],
  ])("%s", async (_what, name, broken, place) => {
    await using command = new WatchedCommand({ [name]: broken }, ["0", name]);
    const url = await command.showsError();
    const response = await fetch(url, { headers: { accept: "application/json" } });
    expect([response.status, response.headers.get("content-type")]).toEqual([500, "application/problem+json"]);
    const problem = (await response.json()) as { readonly detail: string; readonly place?: string };
    expect(problem.place).toBe(place);
    const text = await textOf(url);
    expect(text).toContain(problem.detail);
    if (place !== undefined) expect(text).toMatch(/^> {5}2 {2}.*\n +\^$/m);
    // Once in the terminal, however many requests there were.
    const [message = ""] = problem.detail.replace("SyntaxError: ", "").split("\n");
    await expect.poll(() => command.stderr.split(message)).toHaveLength(2);
    command.put({ [name]: appOf("fixed").replace(name.endsWith(".js") ? ": object" : "\0", "") });
    expect(await textOf((await command.serves()).url)).toBe("fixed");
  });

  test("an exception that no code catches", async () => {
    const app = `
      export const application = () => {
        setTimeout(() => { throw new RangeError("too late"); });
        return { status: 200, body: "one" };
      };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    const { url } = await command.serves();
    expect(await textOf(url)).toBe("one");
    await command.showsError();
    expect(await textOf(url)).toMatch(/^RangeError: too late\napp\.mjs:3:/);
  });

  test("a process that a signal killed starts again where the reader of the page asks for it", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("one") });
    const { url, pid } = await command.serves();
    process.kill(pid, "SIGKILL");
    await command.showsError();
    expect(await textOf(url)).toContain("The application ended (SIGKILL)");
    const again = (site: string) =>
      fetch(`${url}.tsgi/try-again`, { method: "POST", redirect: "manual", headers: { "sec-fetch-site": site } });
    expect((await again("cross-site")).status).toBe(403);
    expect((await again("same-origin")).status).toBe(303);
    await command.says(/starting again/);
    expect(await textOf(url)).toBe("one");
  });

  test("one that is fixed while its other processes still end", async () => {
    const app = `
      export const application = {
        fetch: () => process.exit(1),
        shutdown: () => { console.log("in shutdown"); return new Promise(() => undefined); },
      };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs", "--workers", "2"]);
    const { url } = await command.serves();
    const failed = textOf(url).catch(() => "terminated");
    await command.says(/in shutdown/);
    command.put({ "app.mjs": appOf("fixed").replace(": object", "") });
    expect(await textOf((await command.serves()).url)).toBe("fixed");
    expect(await failed).toBe("terminated");
  });

  test("one that does not listen in time", async () => {
    const hangs = "await new Promise((resolve) => setTimeout(resolve, 600_000));\n";
    await using command = new WatchedCommand({ "app.ts": hangs }, ["0", "app.ts", "--start-timeout-ms", "1000"]);
    expect(await textOf(await command.showsError())).toContain("it did not listen within 1 s");
  });

  test("only to clients on this machine", async () => {
    const { failurePage } = await import("../src/watch/failure-page.ts");
    const page = failurePage(
      { how: "exit code 1", message: "secret", place: null, output: "secret" },
      "/",
      () => undefined,
    );
    const peerAddress = { transport: "tcp", hostname: "192.0.2.1", port: 1 } as const;
    expect(await page({ headers: new Headers() } as never, { peerAddress } as never)).toMatchObject({
      status: 500,
      body: "The application does not run: see the terminal of tsgi.\n",
    });
  });
});

describe("a signal", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s shuts the application down in order", async (signal) => {
    const app = `export const application = { fetch: () => ({ status: 200 }), shutdown: () => console.log("shut down") };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    const { pid } = await command.serves();
    command.process.kill(signal);
    expect(await command.exited).toBe(0);
    expect(command.stdout).toContain("shut down");
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a second %s ends it at once", async (signal, code) => {
    const app = `
      export const application = {
        fetch: () => ({ status: 200 }),
        shutdown: () => { console.log("in shutdown"); return new Promise(() => undefined); },
      };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    const { pid } = await command.serves();
    command.process.kill(signal);
    await command.says(/in shutdown/);
    command.process.kill(signal);
    expect(await command.exited).toBe(code);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test("SIGKILL takes the application along, also one that writes to a terminal that is gone", async () => {
    const app = `export const application = { fetch: () => ({ status: 200 }), shutdown: () => console.error("shut down") };`;
    await using command = new WatchedCommand({ "app.mjs": app }, ["0", "app.mjs"]);
    const { pid } = await command.serves();
    command.process.kill("SIGKILL");
    await command.exited;
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("together with", () => {
  test("--workers, all processes restart, and all reload pages", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("one") }, ["0", "app.ts", "--workers", "2"]);
    await command.says(/\(socket server, 2 workers, pid \d+\)/);
    const { url } = await command.serves();
    command.put({ "app.ts": appOf("two") });
    await command.serves();
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => textOf(url))))).toEqual(new Set(["two"]));
  });

  test("--tls-self-signed, the certificate stays, so that a browser accepts it once", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("one") }, ["0", "app.ts", "--tls-self-signed"]);
    const request = async (url: string) => {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        getTls(url, { rejectUnauthorized: false, agent: false }, resolve).on("error", reject);
      });
      const text = Buffer.concat(await response.toArray()).toString();
      return { text, certificate: (response.socket as TLSSocket).getPeerCertificate().fingerprint256 };
    };
    const first = await request((await command.serves()).url);
    command.put({ "app.ts": appOf("two") });
    const second = await request((await command.serves()).url);
    expect([first.text, second.text]).toEqual(["one", "two"]);
    expect(second.certificate).toBe(first.certificate);
  });

  test("--path, the socket stays, and one that a killed process left behind is replaced", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tsgi-path-"));
    const path = join(folder, "app.sock");
    const request = async () => {
      const sent = requestOverPath({ socketPath: path, headers: { host: "test.localhost" }, agent: false }).end();
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      return Buffer.concat(await response.toArray()).toString();
    };
    const SERVES = /\(socket server, pid \d+\)/;
    {
      await using command = new WatchedCommand({ "app.ts": appOf("one") }, ["app.ts", "--path", path]);
      await command.says(SERVES);
      expect(await request()).toBe("one");
      command.put({ "app.ts": appOf("two") });
      await command.says(SERVES);
      expect(await request()).toBe("two");
      command.process.kill("SIGKILL");
      await command.exited;
    }
    await using command = new WatchedCommand({ "app.ts": appOf("three") }, ["app.ts", "--path", path]);
    await command.says(SERVES);
    expect(await request()).toBe("three");
    rmSync(folder, { recursive: true });
  });

  test("--ops-port, the operations port stays", async () => {
    await using command = new WatchedCommand({ "app.ts": appOf("one") }, ["0", "app.ts", "--ops-port", "0"]);
    const [, ops = ""] = await command.until(/operations on (\S+)/);
    await command.serves();
    expect(await textOf(`${ops}ready`)).toBe("ready\n");
    command.put({ "app.ts": "throw 1;" });
    await command.showsError();
    expect(await textOf(`${ops}ready`)).toBe("not ready\n");
    command.put({ "app.ts": appOf("two") });
    await command.serves();
    expect(await textOf(`${ops}ready`)).toBe("ready\n");
  });
});

test("a port that is in use ends the command with one line", async () => {
  await using first = new WatchedCommand({ "app.ts": appOf("one") });
  const { port } = new URL((await first.serves()).url);
  await using second = new WatchedCommand({ "app.ts": appOf("two") }, [port, "app.ts"]);
  expect(await second.exited).toBe(1);
  expect(second.stderr).toMatch(new RegExp(`^tsgi: Port ${port} of 127\\.0\\.0\\.1 is in use: .*\n$`));
});
