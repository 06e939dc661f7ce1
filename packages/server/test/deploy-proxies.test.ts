/** Two copies of an application behind the real nginx and HAProxy, with the files of deploy/. Only where the machine has them. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../framework/test/free-port.ts";
import { serve } from "../src/socket/index.ts";
import { ENV, HAPROXY, NGINX } from "./proxies.ts";

const DEPLOY = new URL("../../../deploy/", import.meta.url);
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };

const found = [NGINX, HAPROXY].filter(({ program }) => spawnSync(program, ["-v"], { env: ENV }).status === 0);

let eventsEnded: PromiseWithResolvers<void>;

const application: Handler = async (request, exchange) => {
  const { pathname } = new URL(request.url);
  if (exchange.upgradeWebSocket !== undefined) {
    const { socket, response } = exchange.upgradeWebSocket();
    socket.addEventListener("message", ({ data }) => {
      socket.send(`echo ${String(data)}`);
    });
    return response;
  }
  if (pathname === "/events") {
    const body = (async function* () {
      yield "data: first\n\n";
      await once(request.signal, "abort");
      eventsEnded.resolve();
    })();
    return { status: 200, headers: { "content-type": "text/event-stream" }, body };
  }
  if (pathname === "/upload") {
    let bytes = 0;
    for await (const piece of request.body ?? []) bytes += piece.byteLength;
    return { status: 200, body: String(bytes) };
  }
  const { remoteAddress, encrypted } = exchange;
  const client = remoteAddress?.transport === "tcp" ? remoteAddress.hostname : null;
  return { status: 200, body: JSON.stringify({ client, encrypted, url: request.url }) };
};

if (found.length > 0) {
  describe.each(found)("$program", ({ program, file, adapt, args }) => {
    let folder: string;
    let proxy: ChildProcess;
    let front: string;
    let copies: Server[];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "tsgi-proxy-"));
      const [port = 0, ...ports] = await freePorts(3);
      copies = await Promise.all(ports.map(startCopy));
      front = `127.0.0.1:${port}`;
      const [one, two] = copies.map((copy) => new URL(copy.url).host);
      const text = adapt(await readFile(new URL(file, DEPLOY), "utf8"), folder)
        .replace("10.88.0.11:8080", String(one))
        .replace("10.88.0.12:8080", String(two))
        .replace(/(bind :|listen )8080/, (_all, directive: string) => `${directive.replace(":", "")}${front}`);
      const path = join(folder, file);
      await writeFile(path, text);
      proxy = spawn(program, args(path, folder), { env: ENV, stdio: ["ignore", "ignore", "pipe"] });
      let errors = "";
      proxy.stderr?.on("data", (bytes) => (errors += String(bytes)));
      for (;;) {
        if (proxy.exitCode !== null) throw new Error(`${program} ended with ${proxy.exitCode}: ${errors}`);
        if (
          await fetch(`http://${front}/`).then(
            ({ ok }) => ok,
            () => false,
          )
        )
          break;
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
      }
    });

    afterAll(async () => {
      const ended = proxy.exitCode === null && proxy.signalCode === null ? once(proxy, "exit") : null;
      proxy.kill("SIGTERM");
      await Promise.all([ended, ...copies.map((copy) => copy.close({ timeoutMs: 0 }))]);
      await rm(folder, { recursive: true });
    });

    function startCopy(port: number): Promise<Server> {
      return serve(application, { port, logger: QUIET, proxies: { trusted: ["127.0.0.1"] } });
    }

    test("passes on the client, the scheme and the host, and drops what the client claims", async () => {
      const response = await fetch(`http://${front}/a?b`, {
        headers: {
          "x-forwarded-for": "192.0.2.1",
          "x-forwarded-proto": "https",
          "x-forwarded-host": "claimed.example",
        },
      });
      expect(await response.json()).toEqual({ client: "127.0.0.1", encrypted: false, url: `http://${front}/a?b` });
    });

    test("passes on WebSockets", async () => {
      const socket = new WebSocket(`ws://${front}/`);
      await once(socket, "open");
      const message = once(socket, "message") as Promise<[MessageEvent]>;
      socket.send("x");
      expect((await message)[0].data).toBe("echo x");
      const closed = once(socket, "close");
      socket.close();
      await closed;
    });

    test("passes on an event while its stream is open, and the end of its client", async () => {
      eventsEnded = Promise.withResolvers();
      const client = new AbortController();
      const response = await fetch(`http://${front}/events`, { signal: client.signal });
      const read = (await response.body?.getReader().read()) as { readonly value?: Uint8Array } | undefined;
      expect(new TextDecoder().decode(read?.value)).toBe("data: first\n\n");
      client.abort();
      await eventsEnded.promise;
    });

    test("passes on an upload", async () => {
      const response = await fetch(`http://${front}/upload`, { method: "POST", body: new Uint8Array(3_000_000) });
      expect(await response.text()).toBe("3000000");
    });

    test("requests go on while one copy after the other restarts", async () => {
      const statuses = new Set<number>();
      const ask = async () => {
        const response = await fetch(`http://${front}/`);
        await response.text();
        statuses.add(response.status);
      };
      for (const [i, copy] of copies.entries()) {
        const restarted = (async () => {
          await copy.close({ idleMs: 500 });
          // HAProxy waits a second before it tries a refused connection again.
          for (let n = 0; n < 2; n++) await ask();
          copies[i] = await startCopy(Number(new URL(copy.url).port));
        })();
        while (copies[i] === copy) await ask();
        await restarted;
      }
      expect([...statuses]).toEqual([200]);
    });
  });
}
