/** The operations port of the command, with and without workers. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ADDRESS, CommandProcess } from "./command-process.ts";
import { get, WireClient } from "./wire-client.ts";

const FOLDER = join(import.meta.dirname, "workers");

class Command extends CommandProcess {
  constructor(application: string, args: readonly string[] = []) {
    super(["0", application, "--ops-port", "0", ...args], { cwd: FOLDER });
  }

  /** `503 not ready`, or a text of metrics. */
  async operations(path: string, method = "GET"): Promise<string> {
    const [, url = ""] = await this.until(/operations on (http:\S+)/);
    const response = await fetch(url + path, { method });
    return `${response.status} ${(await response.text()).trimEnd()}`;
  }

  /** Asks for the metrics until they hold a line: workers report once a second. */
  async metric(line: string | RegExp): Promise<string> {
    for (;;) {
      const text = await this.operations("metrics");
      if (typeof line === "string" ? text.includes(`\n${line}\n`) : line.test(text)) return text;
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    }
  }
}

describe.each([
  ["without workers", []],
  ["with workers", ["--workers", "2"]],
] as const)("%s", (_how, args) => {
  test("is live and ready, counts requests, and is not ready while it drains", async () => {
    await using command = new Command("application.ts", args);
    const [, url = ""] = await command.until(ADDRESS);
    expect(await command.operations("live")).toBe("200 live");
    expect(await command.operations("ready?verbose")).toBe("200 ready");
    for (let i = 0; i < 3; i++) await command.get(`${i}`);
    const labels = 'http_request_method="GET",url_scheme="http",http_response_status_code="200"';
    const text = await command.metric(`http_server_request_duration_seconds_count{${labels}} 3`);
    expect(text).toContain(`{${labels},le="+Inf"} 3\n`);
    expect(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(1e6);

    // 100 Continue shows that the handler reads: the request runs until the test ends it.
    const upload = request(`${url}upload`, { method: "POST", headers: { expect: "100-continue" } });
    upload.flushHeaders();
    await once(upload, "continue");
    command.process.kill("SIGTERM");
    await command.until(/shutting down/);
    expect(await command.operations("ready")).toBe("503 not ready");
    expect(await command.operations("live")).toBe("200 live");
    upload.end("x");
    const [response] = (await once(upload, "response")) as [IncomingMessage];
    response.resume();
    expect(await command.exited).toBe(0);
  });
});

test("the counters of a worker that was replaced stay", async () => {
  await using command = new Command("application.ts", ["--workers", "1"]);
  await command.get("a");
  const count = /^http_server_request_duration_seconds_count\{.*\} (\d+)$/m;
  command.process.kill("SIGHUP");
  await command.until(/worker \d+ ended/);
  await command.get("b");
  await command.metric(/^http_server_request_duration_seconds_count\{.*\} 2$/m);
  const text = await command.operations("metrics");
  expect(count.exec(text)?.[1]).toBe("2");
  expect(text).toContain('tsgi_workers{state="serving"} 1\n');
});

test("has nothing but its three paths, for GET and HEAD", async () => {
  await using command = new Command("application.ts");
  await command.until(ADDRESS);
  expect(await command.operations("live", "HEAD")).toBe("200 ");
  expect(await command.operations("ready", "POST")).toMatch(/^405 /);
  expect(await command.operations("")).toMatch(/^404 /);
});

test("does not count its own connections", async () => {
  await using command = new Command("application.ts");
  const [, url = ""] = await command.until(ADDRESS);
  const { hostname, port } = new URL(url);
  const client = new WireClient({ transport: "tcp", hostname, port: Number(port) });
  await client.send(get("/")).until("200 OK");
  // There is one connection to each of the two ports.
  expect(await command.operations("metrics")).toContain("\ntsgi_open_connections 1\n");
  client.socket.destroy();
});

test.each([[[]], [["--workers", "1"]]])("a port that is in use ends the command with %j", async (args) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await using command = new CommandProcess(["0", "application.ts", "--ops-port", `${port}`, ...args], { cwd: FOLDER });
  expect(await command.exited).toBe(1);
  expect(command.stderr).toBe(
    `tsgi: Cannot listen on the operations port ${port} of 127.0.0.1 (EADDRINUSE): choose another --ops-port\n`,
  );
  other.close();
});
