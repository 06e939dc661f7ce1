/**
 * What `npm create tsgi@latest` will do after a release: installs the packed create-tsgi with npm and with pnpm, creates each kind of
 * application in an empty folder, lets it install the packed packages by their names, and runs its scripts.
 */
import { spawn } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { openDatabase } from "@tsgi/framework/database";
import { lastLines, run } from "./lib/machine.ts";
import { startPackageRegistry } from "./lib/package-registry.ts";

/** The arguments of the kinds, and paths that respond with 200, after a redirect or at once. */
const CONTENTS = [
  { name: "both", flags: ["--page", "--api"], paths: ["/", "/api/notes", "/docs"] },
  { name: "page", flags: ["--page"], paths: ["/", "/static/style.css"] },
  { name: "api", flags: ["--api"], paths: ["/", "/api/notes"] },
] as const;
const DATABASES = ["sqlite", "mysql"] as const;

const MANAGERS = {
  npm: {
    create: (tarball: string) => ["npm", "exec", "--yes", `--package=${tarball}`, "--", "create-tsgi"],
    prune: ["npm", "prune", "--omit=dev"],
  },
  pnpm: {
    create: (tarball: string) => ["pnpm", `--package=file:${tarball}`, "dlx", "create-tsgi"],
    prune: ["pnpm", "prune", "--prod"],
  },
} as const;

const START_TIMEOUT_MS = 60_000;

export interface CreatedAppsOptions {
  /** An empty folder. */
  readonly folder: string;
  readonly tarballs: readonly string[];
  /** The URL of a server whose user may create databases. */
  readonly mysqlUrl: string;
  /** The folders for PATH: the one of the Node to test, and the one of pnpm. */
  readonly path: string;
}

/** @throws Error with the output of the first command that failed. */
export async function checkCreatedApps({ folder, tarballs, mysqlUrl, path }: CreatedAppsOptions): Promise<void> {
  const own = tarballs.find((file) => basename(file).startsWith("create-tsgi-"));
  if (own === undefined) throw new Error("create-tsgi is not packed");
  await using registry = await startPackageRegistry(tarballs.filter((file) => file !== own));
  for (const [manager, { create, prune }] of Object.entries(MANAGERS)) {
    for (const { name, flags, paths } of CONTENTS) {
      for (const database of DATABASES) {
        const app = join(folder, `${manager}-${name}-${database}`);
        await mkdir(app, { recursive: true });
        // Only these packages come from the registry of the test.
        await writeFile(join(app, ".npmrc"), `@tsgi:registry=${registry.url}\n`);
        const urls = database === "mysql" ? await createDatabases(mysqlUrl, `${manager}_${name}`) : {};
        const env = { ...environment(), ...urls, PATH: path, TSGI_PORT: "0" };
        const command = [...create(own), ".", ...flags, "--database", database, "--install", "--git"];
        await succeed(command, app, env);
        for (const script of ["typecheck", "test", "build"]) await succeed([manager, "run", script], app, env);
        const pages = ["/health", ...paths];
        for (const script of ["dev", "start"]) await serves([manager, "run", script], app, env, pages);
        await succeed(prune, app, { ...env, CI: "true" });
        const { folder: image, command: serve } = await copyAsImage(app);
        await serves(serve, image, { DATABASE_URL: `sqlite:${join(image, "notes.db")}`, ...env }, pages);
        console.log(
          `${manager}: ${name} on ${database}: created, checked, tested, built, served, and served as in the image`,
        );
      }
    }
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Without the settings that a package manager gives to the script that runs this file. */
function environment(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:p?npm_|NODE_ENV$|CI$)/i.test(name)));
}

/** Copies what the Dockerfile copies into the image, since no image can be built here. Gives its command too. */
async function copyAsImage(app: string): Promise<{ readonly folder: string; readonly command: readonly string[] }> {
  const dockerfile = await readFile(join(app, "Dockerfile"), "utf8");
  const folder = `${app}-image`;
  for (const [, from = "", to = ""] of dockerfile.matchAll(/^COPY --from=build \/app\/(\S+) (\S+)$/gm)) {
    // pnpm links the packages: to places below the copied folder.
    const target = to === "./" ? join(folder, from) : join(folder, to);
    await cp(join(app, from), target, { recursive: true, verbatimSymlinks: true });
  }
  const [, command = "[]"] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
  return { folder, command: ["node", ...(JSON.parse(command) as readonly string[])] };
}

async function createDatabases(mysqlUrl: string, name: string): Promise<Environment> {
  const admin = await openDatabase(mysqlUrl);
  const urls = await Promise.all(
    [`created_${name}`, `created_${name}_test`].map(async (database) => {
      await admin.execute(`CREATE OR REPLACE DATABASE ${database} CHARACTER SET utf8mb4`);
      return Object.assign(new URL(mysqlUrl), { pathname: `/${database}` }).href;
    }),
  );
  await admin.close();
  return { DATABASE_URL: urls[0], TEST_DATABASE_URL: urls[1] };
}

async function succeed([program = "", ...args]: readonly string[], cwd: string, env: Environment): Promise<void> {
  const { status, output } = await run(program, args, { cwd, env });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${status}\n${lastLines(output, 60)}`);
}

/** Starts a server, requests its pages, and ends it. */
async function serves(
  [program = "", ...args]: readonly string[],
  cwd: string,
  env: Environment,
  pages: readonly string[],
): Promise<void> {
  // A process group of its own, so that the signal reaches the server behind the package manager.
  const server = spawn(program, args, { cwd, env: { ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const closed = Promise.withResolvers<void>();
  server.once("close", () => closed.resolve());
  const listening = Promise.withResolvers<string>();
  let output = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined) listening.resolve(url);
    });
  }
  const fail = (reason: string) => listening.reject(new Error(`${program} ${args.join(" ")} ${reason}:\n${output}`));
  server.once("error", (error) => fail(error.message));
  server.once("close", () => fail("ended"));
  const timer = setTimeout(() => fail("does not listen"), START_TIMEOUT_MS);
  try {
    const url = await listening.promise;
    for (const page of pages) {
      const { status } = await fetch(url + page);
      if (status !== 200) throw new Error(`${program} ${args.join(" ")}: ${page} responds ${status}:\n${output}`);
    }
  } finally {
    clearTimeout(timer);
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
    await closed.promise;
  }
}
