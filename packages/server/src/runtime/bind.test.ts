import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bind } from "./bind.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("a socket file that a killed process left behind is replaced", async () => {
  const path = join(folder, "stale");
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("listens"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const listener = createServer();
  await bind(listener, { path });
  const client = connect(path);
  await once(client, "connect");
  client.destroy();
  listener.close();
});

test("a socket file on which another process listens stays, and so does another file", async () => {
  const path = join(folder, "used");
  const other = createServer().listen(path);
  await once(other, "listening");
  await expect(bind(createServer(), { path })).rejects.toMatchObject({ code: "EADDRINUSE" });
  other.close();
  const file = join(folder, "file");
  await writeFile(file, "text");
  await expect(bind(createServer(), { path: file })).rejects.toMatchObject({ code: "EADDRINUSE" });
});
