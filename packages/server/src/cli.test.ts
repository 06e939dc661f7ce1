import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADDRESS, CLI, CommandProcess } from "../test/command-process.ts";
import { COMMAND_OPTIONS, OPTIONS } from "./config.ts";
import { selfSigned } from "./tls/self-signed.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-cli-"));
  await put("package.json", '{ "type": "module" }');
  await put("app.ts", 'export const application = (): object => ({ status: 200, body: "application" });');
  await put(
    "many.js",
    `const respond = (body) => () => ({ status: 200, body });
     export default { fetch: respond("default") };
     export const app = respond("app");
     export const nested = { inner: { fetch: respond("inner") } };
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
       startup: () => { throw Object.assign(new Error("The database is unreachable: start it"), { code: "DATABASE_UNREACHABLE" }); },
     };
     setInterval(() => undefined, 1000);`,
  );
  await put(
    "decorated.ts",
    `function twice(method: () => string, _context: ClassMethodDecoratorContext) { return () => method() + method(); }
     class Page { @twice render(): string { return "decorated "; } }
     export const application = (): object => ({ status: 200, body: new Page().render() });`,
  );
  await put("enum.mts", 'enum Body { text = "enum" }\nexport default () => ({ status: 200, body: Body.text });');
  await put("imports-js.ts", 'export { application } from "./app.js";');
  await put("later.ts", 'const { application } = await import("./decorated.ts");\nexport { application };');
  await put(
    "arguments.ts",
    'import { parseArgs } from "node:util";\nconst { values } = parseArgs({ options: { name: { type: "string" } } });\n' +
      "export const application = (): object => ({ status: 200, body: values.name });",
  );
  await put("commonjs/package.json", '{ "type": "commonjs" }');
  await put("commonjs/app.js", "export const application = () => ({ status: 200 });");
  await put("commonjs/app.ts", 'export const application = (): object => ({ status: 200, body: "commonjs" });');
  await put("legacy/package.json", '{ "type": "module" }');
  await put("legacy/tsconfig.json", '{ "compilerOptions": { "experimentalDecorators": true } }');
  await put(
    "legacy/app.ts",
    `function route(method: () => object, context: ClassMethodDecoratorContext) { context.addInitializer(() => undefined); return method; }
     class Page { @route render(): object { return {}; } }
     export const application = (): object => new Page().render();`,
  );
  await put("public/index.txt", "text");
  await put("public/.env", "SECRET");
  await put("public/sub/page.html", "page");
  await put(
    "slow.js",
    `export const application = {
       fetch: (request, { draining }) => new Promise((resolve) => {
         const late = () => setImmediate(resolve, { status: 200, body: "late" });
         if (request.url.endsWith("/slow")) draining.addEventListener("abort", late);
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

/** A running command, with its output so far. */
class Command extends CommandProcess {
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd: string = folder,
    descriptors: readonly number[] = [],
  ) {
    super(args, { env, cwd, descriptors });
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
    ["a module without its extension", ["0", "./app"], "application"],
    ["another module without its extension", ["0", "enum"], "enum"],
    ["an export of a module without its extension", ["0", "many:app"], "app"],
    ["standard decorators", ["0", "decorated.ts"], "decorated decorated "],
    ["decorators in a module that is imported later", ["0", "later.ts"], "decorated decorated "],
    ["TypeScript that imports .js for .ts", ["0", "imports-js.ts"], "application"],
    ["TypeScript of a CommonJS package", ["0", "commonjs/app.ts"], "commonjs"],
    ["an application with options of its own", ["0", "arguments.ts", "--", "--name", "value"], "value"],
    ["by the socket server", ["0", "app.ts", "--server", "socket"], "application"],
    ["by node:http", ["0", "app.ts", "--server", "node"], "application"],
  ])("%s", async (_name, args, body) => {
    await using command = new Command(args);
    expect(await command.get()).toBe(body);
    const [, , server, pid] = await command.until(ADDRESS);
    expect([server, pid]).toEqual([args.includes("node") ? "node" : "socket", String(command.process.pid)]);
  });

  test("the application of the environment, or of the command line if it has one", async () => {
    const env = { PORT: "99999", TSGI_PORT: "0", TSGI_APPLICATION: "many.js", TSGI_HOSTNAME: "" };
    await using byEnvironment = new Command([], env);
    expect(await byEnvironment.get()).toBe("default");
    await using byArguments = new Command(["app.ts"], env);
    expect(await byArguments.get()).toBe("application");
  });

  test.each([
    ["tsgi.config.json", '{ "application": "../app.ts", "port": 0, "server": "socket" }'],
    ["tsgi.config.js", 'export default { application: "../app.ts", port: 0 };'],
    ["tsgi.config.mjs", 'export default { application: "../app", port: 0 };'],
    ["tsgi.config.ts", 'export default { application: "../app.ts" as string, port: 0 };'],
  ])("the application that %s names", async (name, content) => {
    const place = join(folder, `with-${name}`);
    await put(join(`with-${name}`, name), content);
    await using command = new Command([], {}, place);
    expect(await command.get()).toBe("application");
  });
});

describe("static files", () => {
  test("--static alone serves a folder and lists it", async () => {
    await using command = new Command(["0", "--static", "public"]);
    const list = await command.get();
    expect(list).toContain('<a href="./index.txt">index.txt</a>');
    expect(list).toContain('<a href="./sub/">sub/</a>');
    expect(list).not.toContain(".env");
    expect(await command.get("index.txt")).toBe("text");
    expect(await command.get("sub/page.html")).toBe("page");
    expect(await command.get(".env")).toBe("Not Found\n");
  });

  test("folders come before the application, which gets what they do not have, and are not listed", async () => {
    await using command = new Command(["0", "app.ts", "--static", "/files=public", "--static=/files/sub=public/sub"]);
    expect(await command.get("files/index.txt")).toBe("text");
    expect(await command.get("files/sub/page.html")).toBe("page");
    for (const path of ["", "files/", "files/absent.txt", "index.txt"]) {
      expect([path, await command.get(path)]).toEqual([path, "application"]);
    }
    const [, url = ""] = await command.until(ADDRESS);
    expect(await (await fetch(`${url}files/index.txt`, { method: "POST" })).text()).toBe("application");
  });

  test("a folder that does not exist is named", async () => {
    const { code, stderr } = await outcome(["0", "--static", "absent"]);
    expect([code, stderr]).toEqual([
      1,
      `tsgi: Cannot serve the files of ${join(folder, "absent")}: there is no such folder\n`,
    ]);
  });
});

test("--fd listens on an inherited descriptor, and LISTEN_FDS names one", async () => {
  const listener = createServer();
  await new Promise<void>((resolve) => void listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as { port: number };
  // oxlint-disable-next-line no-underscore-dangle -- the descriptor has no public name
  const { fd } = (listener as unknown as { readonly _handle: { readonly fd: number } })._handle;
  await using command = new Command(["app.ts", "--fd", "3"], {}, folder, [fd]);
  const [, url = ""] = await command.until(ADDRESS);
  expect(new URL(url).port).toBe(String(port));
  // This process does not accept: the child alone does.
  listener.close();
  expect(await command.get()).toBe("application");
});

describe("--access-log", () => {
  test.each(["socket", "node"])("names the address of a client that disconnected (%s server)", async (server) => {
    await put(
      "silent.js",
      'export default () => { console.log("in the handler"); return new Promise(() => undefined); };',
    );
    await using command = new Command(["0", "silent.js", "--access-log", "combined", "--server", server]);
    const [, url = ""] = await command.until(ADDRESS);
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await command.until(/in the handler/);
    socket.destroy();
    await command.until(/^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1"/m);
  });

  test("writes a line of the Combined Log Format for each response", async () => {
    await using command = new Command(["0", "app.ts", "--access-log", "combined"]);
    const [, url = ""] = await command.until(ADDRESS);
    await fetch(`${url}a%22b?x`, { headers: { "user-agent": 'a"b', referer: "http://r.example/" } });
    const [line] = await command.until(/^127.*$/m);
    expect(line).toMatch(
      /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/a%22b\?x HTTP\/1\.1" 200 11 "http:\/\/r\.example\/" "a\\"b"$/,
    );
  });

  test("writes JSON", async () => {
    await using command = new Command(["0", "--static", "public", "--access-log", "json"]);
    await command.get("index.txt");
    const [line] = await command.until(/^\{.*\}$/m);
    expect(JSON.parse(line)).toMatchObject({
      remote: "127.0.0.1",
      method: "GET",
      target: "/index.txt",
      protocol: "HTTP/1.1",
      status: 200,
      bytes: 4,
    });
  });
});

describe("wrong usage exits with 2 and shows the usage", () => {
  test.each([
    [
      "nothing to serve",
      [],
      "there is nothing to serve: name the module of an application, such as ./app.ts, or --static .",
    ],
    ["only a port", ["7788"], "there is nothing to serve"],
    ["an unknown option", ["app.ts", "--prot", "1"], 'unknown option "--prot": did you mean "--port"?'],
    ["an unexpected argument", ["0", "app.ts", "app.ts"], 'unexpected argument "app.ts"'],
    ["a port out of range", ["99999", "app.ts"], 'port: must be a whole number from 0 to 65535, not "99999"'],
    [
      "a port that is not a number",
      ["app.ts", "--port", "0x50"],
      '--port: must be a whole number from 0 to 65535, not "0x50"',
    ],
    [
      "no such server",
      ["0", "app.ts", "--server", "apache"],
      '--server: must be socket, node, bun, deno or auto, not "apache"',
    ],
    ["no such configuration file", ["--config", "nowhere.json"], "--config: there is no file nowhere.json"],
  ])("%s", async (_name, args, message) => {
    const { code, stderr, stdout } = await outcome(args);
    expect(stderr).toContain(`tsgi: ${message}`);
    expect(stderr).toContain("Usage: tsgi [[host:]port] module[:export] [options]");
    expect(stderr).not.toMatch(/^\s+at /m);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("and names the variable, or the place in the file, that is wrong", async () => {
    expect((await outcome(["app.ts"], { PORT: "http" })).stderr).toContain("PORT: must be a whole number");
    expect((await outcome(["app.ts"], { TSGI_PROT: "1" })).stderr).toContain(
      'TSGI_PROT: unknown variable: did you mean "TSGI_PORT"?',
    );
    await put("wrong/tsgi.config.json", '{ "port": -1, "prot": 1 }');
    const { code, stderr } = await outcome(["../app.ts"], {}, join(folder, "wrong"));
    expect(stderr).toContain("port in tsgi.config.json: must be a whole number from 0 to 65535, not -1");
    expect(stderr).toContain('prot in tsgi.config.json: unknown option: did you mean "port"?');
    expect(code).toBe(2);
  });
});

test("--check prints each value with its origin, and starts nothing", async () => {
  await put("checked/tsgi.config.json", '{ "maxBodyBytes": 1000, "application": "throws.js" }');
  const { code, stdout, stderr } = await outcome(
    ["--check", "8000", "--static", "/a=./b"],
    { TSGI_HOST: "::" },
    join(folder, "checked"),
  );
  expect([code, stderr]).toEqual([0, ""]);
  const rows = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  expect(rows).toEqual(
    expect.arrayContaining([
      ["application", "throws.js", "config file (application in tsgi.config.json)"],
      ["static", "/a/=./b", "command line (--static)"],
      ["hostname", "::", "environment (TSGI_HOST)"],
      ["port", "8000", "command line (port)"],
      ["maxBodyBytes", "1000", "config file (maxBodyBytes in tsgi.config.json)"],
      ["maxConnectionsPerClient", "none", "default"],
    ]),
  );
  expect(rows.map(([name]) => name)).toEqual(OPTIONS.map(({ name }) => name));
});

describe("an application that cannot start gives one line and exits with 1", () => {
  test.each([
    ["no such file", ["0", "nothing.ts"], /^tsgi: There is no file nothing\.ts in \S+$/],
    [
      "no file with an extension",
      ["0", "nothing"],
      /^tsgi: There is no file nothing in \S+, nor one with the extension \.ts,/,
    ],
    [
      "a folder",
      ["0", "public"],
      /^tsgi: public is a folder: name a module in it, or serve its files by --static public$/,
    ],
    [
      "an ES module of a CommonJS package",
      ["0", "commonjs/app.js"],
      /^tsgi: \S+commonjs\/app\.js is an ES module, but \S+commonjs\/package\.json says "type": "commonjs": write "type": "module"/,
    ],
    ["no such export", ["0", "many.js:aplication"], /no export "aplication": it exports app, default, nested, number$/],
    ["none of the usual exports", ["0", "none.js"], /exports none of application, default, app: it exports something$/],
    ["no exports at all", ["0", "empty.js"], /it exports nothing$/],
    ["an export that is not an application", ["0", "many.js:number"], /"number" of many\.js is not an application/],
    ["a package that is not installed", ["0", "import-missing.js"], /Cannot find package 'not-installed'/],
    ["a startup error with a code", ["0", "unreachable.js"], /^tsgi: The database is unreachable: start it$/],
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

  test("standard decorators under experimentalDecorators", async () => {
    const { code, stderr } = await outcome(["0", "app.ts"], {}, join(folder, "legacy"));
    expect(stderr).toMatch(
      /^tsgi: \S+legacy\/tsconfig\.json sets "experimentalDecorators", but the decorators of \S+ are standard ones: remove that line\n$/,
    );
    expect(code).toBe(1);
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

describe("an error that is a bug keeps its stack", () => {
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
    "%s lets running requests finish, then shuts the application down",
    async (signal) => {
      await using command = new Command(["0", "slow.js"]);
      const body = command.get("slow");
      await command.until(/in the handler/);
      command.process.kill(signal);
      expect(await body).toBe("late");
      expect(await command.exited).toBe(0);
      const again = signal === "SIGINT" ? "press Ctrl-C again to end at once" : "a second SIGTERM ends it at once";
      expect(command.stdout.slice(command.stdout.indexOf("tsgi: shutting"))).toBe(
        `tsgi: shutting down; ${again}\ntsgi: waiting for 1 request, at most 10 s\nshut down\n`,
      );
    },
  );

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a second %s ends the process at once", async (signal, code) => {
    await using command = new Command(["0", "slow.js", "--shutdown-timeout-ms", "600000"]);
    const body = command.get("never").catch(() => "terminated");
    await command.until(/in the handler/);
    command.process.kill(signal);
    await command.until(/shutting down/);
    command.process.kill(signal);
    expect(await command.exited).toBe(code);
    expect(await body).toBe("terminated");
  });
});

describe("prints", () => {
  test("its version", async () => {
    const manifest = await readFile(new URL("../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    expect(await outcome(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("the usage with every option", async () => {
    const { code, stdout } = await outcome(["--help"]);
    expect(code).toBe(0);
    for (const { flag, description } of [...OPTIONS, ...COMMAND_OPTIONS]) {
      expect(stdout).toContain(flag);
      expect(stdout).toContain(description);
    }
  });

  test("its version through a symbolic link, as package managers install it", async () => {
    await symlink(CLI, join(folder, "tsgi"));
    const command = spawn(process.execPath, [join(folder, "tsgi"), "--version"]);
    const code = await new Promise((resolve) => command.once("exit", resolve));
    expect(code).toBe(0);
  });
});
