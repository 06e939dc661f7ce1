/** The error log of the command: the time of each line in production. */
import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { CommandProcess } from "./command-process.ts";

const FOLDER = fileURLToPath(new URL("workers/", import.meta.url));
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z `;

interface Case {
  readonly title: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly line: string;
}

test.each<Case>([
  { title: "a line of production begins with its time", env: { NODE_ENV: "production" }, line: TIME },
  {
    title: "a line of a worker in production begins with its time",
    env: { NODE_ENV: "production" },
    args: ["--workers", "1"],
    line: TIME,
  },
  {
    title: "a line for the journal of systemd, which has the time, begins with the request",
    env: { NODE_ENV: "production", JOURNAL_STREAM: "8:1" },
    line: "",
  },
  { title: "a line for a developer begins with the request", env: {}, line: "" },
])("$title", async ({ env, args = [], line }) => {
  await using command = new CommandProcess(["0", "application.ts", ...args], { cwd: FOLDER, env });
  await command.get("fail");
  await command.until(new RegExp(`^${line}GET /fail failed Error: as asked`, "m"), 0, "stderr");
});

test("a line of the supervisor in production begins with its time", async () => {
  const env = { NODE_ENV: "production" };
  await using command = new CommandProcess(["0", "application.ts", "--workers", "1"], { cwd: FOLDER, env });
  await command.until(new RegExp(`^${TIME}tsgi: worker \\d+ serves`, "m"));
});
