/** The package manager that started the command, and the commands of the created application. */
import { spawn } from "node:child_process";

export const PACKAGE_MANAGERS = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

/** @param userAgent `npm_config_user_agent`, such as `pnpm/10.1.0 npm/? node/v24.0.0 linux x64`. Without one: npm. */
export function detectPackageManager(userAgent: string | undefined): PackageManager {
  const name = userAgent?.split("/")[0];
  return PACKAGE_MANAGERS.find((known) => known === name) ?? "npm";
}

/** @returns whether the packages were installed. The package manager prints what it does. */
export function install(packageManager: PackageManager, folder: string): Promise<boolean> {
  return run(packageManager, ["install"], folder, "inherit");
}

export type GitOutcome = "created" | "inside a repository" | "failed";

export async function createRepository(folder: string): Promise<GitOutcome> {
  if (await run("git", ["rev-parse", "--is-inside-work-tree"], folder, "ignore")) return "inside a repository";
  return (await run("git", ["init", "--quiet", "--initial-branch=main"], folder, "ignore")) ? "created" : "failed";
}

/** Runs a program with fixed arguments to its end. @returns whether it succeeded. */
async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  stdio: "inherit" | "ignore",
): Promise<boolean> {
  const ended = Promise.withResolvers<boolean>();
  const child =
    process.platform === "win32"
      ? // Package managers are command files there, which only a shell can start.
        spawn([program, ...args].join(" "), { cwd, stdio, shell: true })
      : spawn(program, args, { cwd, stdio });
  child.once("error", () => ended.resolve(false));
  child.once("close", (code) => ended.resolve(code === 0));
  return ended.promise;
}
