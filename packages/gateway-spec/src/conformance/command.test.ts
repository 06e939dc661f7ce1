import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCommand } from "./command.ts";

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

describe("wrong usage is explained and exits 2", () => {
  test.each<[string, readonly string[], string]>([
    ["no server", [], "which server? Name a module or an address"],
    ["two servers", ["--serve", "a.ts", "127.0.0.1:80"], "a module or an address, not both"],
    ["a word too many", ["127.0.0.1:80", "b"], '"b" is one word too many'],
    ["no port", ["localhost"], '"localhost" is no host:port'],
    ["another scheme", ["ftp://localhost:80"], '"ftp://localhost:80" is no host:port'],
    ["more than an address", ["https://localhost:443/a"], '"https://localhost:443/a" is no host:port'],
    ["a port beyond the last", ["localhost:65536"], '"localhost:65536" is no host:port'],
    ["an unknown option", ["--what"], "Unknown option '--what'"],
    ["an unknown format", ["--format", "xml", "localhost:80"], '"xml" is no format: plain or tap'],
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
    expect(err).toContain(`${file} has no function "serve" among its exports`);
  });
});

test("help goes to the standard output and exits 0", async () => {
  const { code, out, err } = await run("--help");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^usage: /);
});

describe("a server that passes a case, fails one and lacks a capability", () => {
  test("in TAP", async () => {
    const { code, out } = await run("--serve", server, "--filter", "request-url", "--format", "tap");
    expect([code, out]).toEqual([
      0,
      [
        "TAP version 14",
        "1..1",
        "ok 1 - request-url: the URL is absolute, has the scheme of the connection and its percent-triplets as they came",
        "# 1 passed, 0 failed, 0 skipped",
        "",
      ].join("\n"),
    ]);
    const failed = await run("--serve", server, "--filter", "close-twice", "--format", "tap");
    expect(failed.code).toBe(1);
    expect(failed.out).toContain(
      [
        "not ok 1 - close-twice: every call of close() gives the outcome of the first",
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
      'ok 1 - websocket-echo: text and bytes go both ways, and pings are answered # SKIP the server does not have the capability "websocket"',
    ]);
  });

  test("in plain words", async () => {
    expect(await run("--serve", server, "--filter", "request-url")).toMatchObject({
      code: 0,
      out: "passed   request-url\n1 passed, 0 failed, 0 skipped\n",
    });
    expect(await run("--serve", server, "--filter", "close-twice")).toMatchObject({
      code: 1,
      out: `FAILED   close-twice
           TSGI-53: every call of close() gives the outcome of the first
           the calls of shutdown: expected [ 'shutdown' ], saw []
0 passed, 1 failed, 0 skipped
`,
    });
  });

  test.each([
    ["127.0.0.1:1", "127.0.0.1:1"],
    ["http://127.0.0.1:1/", "127.0.0.1:1"],
    ["https://[::1]:1", "https://[::1]:1"],
  ])("where nobody listens: %s", async (address, where) => {
    const { code, out } = await run("--filter", "request-url", address);
    expect(code).toBe(1);
    expect(out).toContain(`cannot connect to ${where}\n`);
  });

  test("by address, cases that start servers are skipped", async () => {
    const { code, out } = await run("--filter", "close-twice", "[::1]:1");
    expect([code, out.split("\n")[0]]).toEqual([
      0,
      "skipped  close-twice: it starts and closes servers: give the kit a serve",
    ]);
  });
});

test("what is thrown where nobody can catch it fails the case that is running, and the next case runs", async () => {
  const cli = fileURLToPath(new URL("cli.ts", import.meta.url));
  const args = [cli, "--serve", join(folder, "stray.ts"), "--filter", "request-headers"];
  // In a process of its own, for this one has others who listen to such errors.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit") as Promise<[number | null]>;
  const [out, [code]] = await Promise.all([text(child.stdout), exit]);
  expect(code).toBe(1);
  expect(out).toContain("Error: An error was thrown that nobody could catch");
  expect(out).toContain("Error: on purpose");
  expect(out.trim().split("\n").at(-1)).toBe("0 passed, 2 failed, 0 skipped");
});
