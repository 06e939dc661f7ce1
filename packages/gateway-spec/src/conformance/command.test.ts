import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toNode } from "../adapters/node/index.ts";
import { createConformanceApplication } from "./application.ts";
import { cases } from "./cases/index.ts";
import { runCommand } from "./command.ts";

const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };

let folder: string;
let server: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-conformance-"));
  const toNode = new URL("../adapters/node/index.ts", import.meta.url).href;
  server = join(folder, "server.ts");
  await writeFile(
    server,
    `import { createServer } from "node:http";
     import { toNode } from ${JSON.stringify(toNode)};
     const quiet = { info() {}, warn() {}, error() {} };
     export const other = 1;
     export const serve = async (application) => {
       const listener = toNode(application, { logger: quiet });
       const server = createServer(listener);
       await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
       const { port } = server.address();
       const close = async () => { server.closeAllConnections(); server.close(); };
       return { address: { transport: "tcp", hostname: "127.0.0.1", port }, url: "", close };
     };`,
  );
  await writeFile(
    join(folder, "stray.ts"),
    `import { serve as right } from ${JSON.stringify(server)};
     export const serve = (...args) => { void Promise.reject(new Error("on purpose")); return right(...args); };`,
  );
  await writeFile(join(folder, "empty.ts"), "export const server = 1;");
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  const printed = { out: "", err: "" };
  const code = await runCommand(args, {
    out: (piece) => void (printed.out += piece),
    err: (piece) => void (printed.err += piece),
  });
  return { code, ...printed };
}

describe("wrong usage prints the reason and exits with 2", () => {
  test.each<[string, readonly string[], string]>([
    ["no server", [], "name a server: --serve <module> or <host>:<port>"],
    ["two servers", ["--serve", "a.ts", "127.0.0.1:80"], "use either --serve or an address, not both"],
    ["a second address", ["127.0.0.1:80", "b"], 'unexpected argument "b"'],
    ["no port", ["localhost"], '"localhost" is not an address: write <host>:<port>'],
    ["another scheme", ["ftp://localhost:80"], '"ftp://localhost:80" is not an address'],
    ["more than an address", ["https://localhost:443/a"], '"https://localhost:443/a" is not an address'],
    ["a port beyond the last", ["localhost:65536"], '"localhost:65536" is not an address'],
    ["an unknown option", ["--what"], "Unknown option '--what'"],
    ["an unknown format", ["--format", "xml", "localhost:80"], 'unknown format "xml": use plain, tap, json, junit'],
    ["an unknown case", ["--filter", "nothing-such", "localhost:80"], 'no case has "nothing-such" in its name'],
    ["a module that is not there", ["--serve", "./not-there.ts"], "cannot import "],
  ])("%s", async (_what, args, message) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`tsgi-conformance: ${message}`);
    expect(err).toContain("usage: tsgi-conformance --serve <module>");
  });

  test("a module without serve", async () => {
    const file = join(folder, "empty.ts");
    const { code, err } = await run("--serve", file);
    expect(code).toBe(2);
    expect(err).toContain(`${file} does not export a function "serve"`);
  });
});

test("--help prints the usage on the standard output and exits with 0", async () => {
  const { code, out, err } = await run("--help");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^usage: /);
});

describe("the results of passed, failed and skipped cases are printed", () => {
  test("in TAP", async () => {
    const { code, out } = await run("--serve", server, "--filter", "request-url", "--format", "tap");
    expect([code, out]).toEqual([
      0,
      [
        "TAP version 14",
        "1..1",
        "ok 1 - request-url: the URL is absolute, has the scheme of the connection, and keeps its percent-encoding",
        "# 1 passed, 0 failed, 0 skipped",
        "",
      ].join("\n"),
    ]);
    const failed = await run("--serve", server, "--filter", "close-twice", "--format", "tap");
    expect(failed.code).toBe(1);
    expect(failed.out).toContain(
      [
        "not ok 1 - close-twice: every call of close() settles with the outcome of the first",
        "  ---",
        "  rules: [TSGI-53]",
        "  message: |",
        "    the calls of shutdown: expected [ 'shutdown' ], saw []",
        "  ...",
        "# 0 passed, 1 failed, 0 skipped",
      ].join("\n"),
    );
    const skipped = await run("--serve", server, "--filter", "websocket-echo", "--format", "tap");
    expect([skipped.code, skipped.out.split("\n")[2]]).toEqual([
      0,
      'ok 1 - websocket-echo: text and bytes are sent in both directions, and a ping gets a pong # SKIP the server does not have the capability "websocket"',
    ]);
  });

  test("in JSON", async () => {
    const { code, out } = await run("--serve", server, "--filter", "close-", "--format", "json");
    const report = JSON.parse(out) as { readonly cases: readonly { readonly name: string }[] };
    expect(code).toBe(1);
    expect(report).toMatchObject({ passed: 0, failed: 2, skipped: 1, stopped: null });
    expect(report.cases.find(({ name }) => name === "close-twice")).toEqual({
      name: "close-twice",
      protocol: "http/1.1",
      rules: ["TSGI-53"],
      title: "every call of close() settles with the outcome of the first",
      outcome: "failed",
      message: "the calls of shutdown: expected [ 'shutdown' ], saw []",
    });
  });

  test("in JUnit XML", async () => {
    const xmlOf = async (filter: string) => (await run("--serve", server, "--filter", filter, "--format", "junit")).out;
    expect(await xmlOf("request-url")).toBe(
      [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuite name="tsgi-conformance" tests="1" failures="0" skipped="0">',
        '  <testcase classname="TSGI-2 TSGI-3" name="request-url: the URL is absolute, has the scheme of the connection, and keeps its percent-encoding"/>',
        "</testsuite>",
        "",
      ].join("\n"),
    );
    expect(await xmlOf("close-twice")).toContain(
      "<failure message=\"the calls of shutdown: expected [ 'shutdown' ], saw []\">",
    );
    expect(await xmlOf("websocket-echo")).toContain(
      '><skipped message="the server does not have the capability &quot;websocket&quot;"/></testcase>',
    );
  });

  test("in a file, with the counts on the standard output", async () => {
    const file = join(folder, "report.xml");
    const args = ["--serve", server, "--filter", "request-url", "--format", "junit", "--output"];
    expect(await run(...args, file)).toMatchObject({ code: 0, out: `1 passed, 0 failed, 0 skipped, see ${file}\n` });
    expect(await readFile(file, "utf8")).toContain('tests="1"');
    expect(await run(...args, join(folder, "none/report.xml"))).toMatchObject({
      code: 1,
      err: expect.stringContaining("cannot write the report: ENOENT") as string,
    });
  });

  test("in plain lines", async () => {
    expect(await run("--serve", server, "--filter", "request-url")).toMatchObject({
      code: 0,
      out: "passed   request-url\n1 passed, 0 failed, 0 skipped\n",
    });
    expect(await run("--serve", server, "--filter", "close-twice")).toMatchObject({
      code: 1,
      out: `FAILED   close-twice
           TSGI-53: every call of close() settles with the outcome of the first
           the calls of shutdown: expected [ 'shutdown' ], saw []
0 passed, 1 failed, 0 skipped
`,
    });
  });

  test("by address, cases that start servers are skipped", async () => {
    const { code, out } = await run("--filter", "close-twice", "[::1]:1");
    expect([code, out.split("\n")[0]]).toEqual([
      0,
      "skipped  close-twice: it starts and closes servers: use --serve <module>",
    ]);
  });
});

describe("a server that cannot be tested is one message, and no case runs", () => {
  test.each([
    ["127.0.0.1:1", "127.0.0.1:1"],
    ["http://127.0.0.1:1/", "127.0.0.1:1"],
    ["https://127.0.0.1:1", "https://127.0.0.1:1"],
  ])("nothing listens on %s", async (address, where) => {
    expect(await run(address)).toEqual({
      code: 2,
      out: "",
      err: `tsgi-conformance: cannot connect to ${where}: connect ECONNREFUSED 127.0.0.1:1\n`,
    });
  });

  test("the server at the address does not run the kit's application", async () => {
    const other = createServer((_req, res) => res.writeHead(404).end()).listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const { code, out, err } = await run(`127.0.0.1:${port}`);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("the server does not run conformanceApplication");
    expect(err).toContain("GET /-/capabilities has the status 404");
    other.close();
  });

  test.each([
    ["undefined", "serve() must return a server { address, url, close }, saw undefined"],
    ["{ url: '' }", 'server.address must be { transport: "tcp", hostname, port }, saw undefined'],
    [
      "{ address: { hostname: '127.0.0.1', port: 1 }, url: '' }",
      "server.address has no transport: it must be { transport: \"tcp\", hostname, port }, saw { hostname: '127.0.0.1', port: 1 }",
    ],
    ["{ address: { transport: 'unix', path: '/a' }, url: '' }", "the kit connects over TCP"],
    ["{ address: { transport: 'tcp', port: 1 }, url: '' }", "server.address must have a hostname and a port"],
    ["{ address: { transport: 'tcp', hostname: '127.0.0.1', port: 1 } }", "server.url must be a string, saw undefined"],
  ])("serve returns %s", async (server, message) => {
    const file = join(folder, `${randomUUID()}.ts`);
    await writeFile(file, `export const serve = async () => (${server});`);
    const { code, out, err } = await run("--serve", file);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`tsgi-conformance: ${message}`);
  });

  test("serve throws", async () => {
    const file = join(folder, "throws.ts");
    await writeFile(file, 'export const serve = async () => { throw new Error("port 80 needs a privilege"); };');
    const { code, out, err } = await run("--serve", file);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("port 80 needs a privilege");
  });
});

test("a run against an address stops when the server no longer accepts connections", async () => {
  const kit = createConformanceApplication(cases.filter((one) => one.kind === "exchange"));
  const server = createServer(
    toNode(
      (request, exchange) => {
        if (!request.url.includes("/-/")) {
          server.close();
          server.closeAllConnections();
        }
        return kit(request, exchange);
      },
      { logger: QUIET },
    ),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const { code, out } = await run("--filter", "request-", `127.0.0.1:${port}`);
  expect(code).toBe(1);
  expect(out).toMatch(/^STOPPED {2}cannot connect to .*; \d+ cases were not run$/m);
  expect(out).toMatch(/^0 passed, 1 failed, 0 skipped$/m);
});

test("an unhandled rejection of the server fails the running case, and the next case runs", async () => {
  const cli = fileURLToPath(new URL("cli.ts", import.meta.url));
  const args = [cli, "--serve", join(folder, "stray.ts"), "--filter", "request-headers"];
  // In a separate process, because vitest listens to such errors in this one.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [out, [code]] = await Promise.all([text(child.stdout), exit]);
  expect(code).toBe(1);
  expect(out).toContain("Error: uncaught exception or unhandled rejection");
  expect(out).toContain("Error: on purpose");
  expect(out.trim().split("\n").at(-1)).toBe("0 passed, 2 failed, 0 skipped");
});
