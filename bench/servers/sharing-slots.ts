/**
 * `node sharing-slots.ts PORT WORKERS`: processes with a SO_REUSEPORT socket each, which this process binds and keeps, so that a
 * worker can be replaced without a lost connection. What a supervisor with slots would do (docs/decisions/0071-one-socket-for-all-workers.md).
 */
import { spawn } from "node:child_process";
import * as net from "node:net";

const [port, workers] = process.argv.slice(2).map(Number);
const command = `${import.meta.dirname}/../../packages/server/src/cli.ts`;
const application = `${import.meta.dirname}/sharing-application.ts`;

const children = Array.from({ length: workers ?? 1 }, () => {
  const socket = new net.BoundSocket({ host: "127.0.0.1", port: port ?? 0, reusePort: true });
  return spawn(process.execPath, [command, application, "--fd", "3"], {
    stdio: ["ignore", "ignore", "inherit", socket.fd()],
  });
});
process.on("SIGTERM", () => {
  for (const child of children) child.kill("SIGKILL");
  process.exit();
});
