import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { workload } from "../workloads.ts";
import { Handshakes } from "./handshakes.ts";
import { parseH2loadReport } from "./h2load.ts";
import { HttpConnection } from "./http-connection.ts";
import { NodeLoad } from "./node-load.ts";
import { sendAtRate } from "./open-loop.ts";
import { parseReport } from "./wrk.ts";

describe("the report of wrk", () => {
  const report = (...lines: readonly string[]) =>
    ["  17 requests in 2.00s, 23.43MB read", ...lines, "Requests/sec:      8.50", ""].join("\n");

  test("has the count, the rate and the 99th percentile", () => {
    const latency = "     99%    1.52ms";
    expect(parseReport(report(latency))).toEqual({ requests: 17, requestsPerSecond: 8.5, p99Ms: 1.52 });
  });

  test.each([
    ["850.00us", 0.85],
    ["2.00s", 2000],
  ])("has a percentile of %s as %d ms", (text, milliseconds) => {
    expect(parseReport(report(`     99%  ${text}`)).p99Ms).toBe(milliseconds);
  });

  test.each(["  Socket errors: connect 0, read 5, write 0, timeout 0", "  Non-2xx or 3xx responses: 16"])(
    "is rejected with %j",
    (line) => {
      expect(() => parseReport(report(line))).toThrow(line.trim());
    },
  );

  test("may have 404 for all requests where the workload expects it", () => {
    expect(parseReport(report("  Non-2xx or 3xx responses: 17"), 404).requests).toBe(17);
    expect(() => parseReport(report("  Non-2xx or 3xx responses: 16"), 404)).toThrow("16");
    expect(() => parseReport(report(), 404)).toThrow("no response was a 404");
  });
});

describe("the report of h2load", () => {
  const report = ({ failed = 0, notFound = 0, protocol = "h2" } = {}) =>
    `Application protocol: ${protocol}\n\nfinished in 1.00s, 24297.00 req/s, 3.42MB/s\n` +
    `requests: 24297 total, 24361 started, 24297 done, 24297 succeeded, ${failed} failed, 0 errored, 0 timeout\n` +
    `status codes: ${24297 - notFound} 2xx, 0 3xx, ${notFound} 4xx, 0 5xx\n`;

  test("has the count and the rate", () => {
    expect(parseH2loadReport(report())).toEqual({ requests: 24297, requestsPerSecond: 24297, p99Ms: null });
  });

  test.each([
    ["failed requests", { failed: 1 }],
    ["another status", { notFound: 1 }],
    ["another protocol", { protocol: "http/1.1" }],
  ])("is rejected with %s", (_name, given) => {
    expect(() => parseH2loadReport(report(given))).toThrow(/responses than 2xx|HTTP\/2/);
  });
});

const SLOW_MS = 5;

describe("the client in Node", () => {
  const listener: RequestListener = (request, response) => {
    if (request.url === "/chunks") {
      response.write("a piece, ");
      setImmediate(() => response.end("another"));
    } else if (request.url === "/slow") {
      setTimeout(() => response.end("slow"), SLOW_MS);
    } else {
      response.writeHead(request.url === "/" ? 200 : 404, { "Content-Length": 5 }).end("hello");
    }
  };
  const server = createServer(listener);
  let port = 0;
  beforeEach(async () => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  const loadOf = (path: string) => ({
    port,
    workload: workload({ name: "test", title: "", writes: [get(path)], connections: 2 }),
    seconds: 0.05,
    core: null,
  });

  test.each(["/", "/chunks"])("counts the responses to %s", async (path) => {
    const { requests, p99Ms } = await new NodeLoad().run(loadOf(path));
    expect(requests).toBeGreaterThanOrEqual(2);
    expect(p99Ms).toBeGreaterThan(0);
  });

  test("rejects another status", async () => {
    await expect(new NodeLoad().run(loadOf("/none"))).rejects.toThrow("the status was 404, not 200");
  });

  test("at a fixed rate counts the time of a response from when its request was due", async () => {
    const offer = { port, rate: 1000, seconds: 0.03, connections: 1, requests: { slow: get("/slow") } };
    const { milliseconds, lost } = await sendAtRate({ ...offer, kindOf: () => "slow" });
    expect(lost).toBe(0);
    expect(milliseconds.slow).toHaveLength(30);
    // The last one was due 29 ms after the first one, and each waits for those before it. A timer may be early by less than 1 ms.
    expect(milliseconds.slow.at(-1)).toBeGreaterThan(30 * (SLOW_MS - 1) - 29);
  });

  test("joins the chunks of a response, and separates pipelined responses", async () => {
    const connection = await HttpConnection.open(port, false);
    connection.socket.write(get("/chunks") + get("/"));
    expect((await connection.next()).body).toBe("a piece, another");
    expect(await connection.next()).toMatchObject({ status: 200, body: "hello" });
    connection.socket.destroy();
  });

  test("rejects when the connection ends", async () => {
    const connection = await HttpConnection.open(port, false);
    await connection.exchange(get("/"));
    server.closeAllConnections();
    await expect(connection.next()).rejects.toThrow("closed the connection");
  });
});

describe("handshakes", () => {
  const pem = readFileSync(new URL("../servers/certificate.pem", import.meta.url));
  const run = async (handshake: "full" | "resumed") => {
    const server = createHttpsServer({ cert: pem, key: pem }, (_request, response) => response.end("hello"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const writes = ["GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"];
    try {
      return await new Handshakes().run({
        port,
        workload: workload({ name: "test", title: "", writes, transport: "tls", handshake, connections: 2 }),
        seconds: 0.05,
        core: null,
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  };

  test.each(["full", "resumed"] as const)("that are %s count as requests", async (handshake) => {
    expect((await run(handshake)).requests).toBeGreaterThanOrEqual(2);
  });
});
