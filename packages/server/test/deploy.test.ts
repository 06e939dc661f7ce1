/**
 * The files of deploy/. Each one is checked by its own program where the machine has it, and by a validator from npm where there is
 * one. No image is built.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as dclint from "dclint";
import { validate as validateDockerfile } from "dockerfile-utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { environmentSource, resolveConfig } from "../src/config.ts";

const DEPLOY = fileURLToPath(new URL("../../../deploy/", import.meta.url));
const read = (name: string): Promise<string> => readFile(join(DEPLOY, name), "utf8");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsgi-deploy-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** The path of a program, also in folders that only an administrator has in PATH. */
function find(program: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const path of folders.map((place) => join(place, program))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  return null;
}

interface Checker {
  readonly program: string;
  readonly files: readonly string[];
  /** A directive of the first file, and one that the program does not know. */
  readonly mistake: readonly [right: string, wrong: string];
  readonly args: (paths: readonly string[]) => readonly string[];
}

const CHECKERS: readonly Checker[] = [
  {
    program: "nginx",
    files: ["nginx.conf"],
    mistake: ["proxy_pass", "proxy_pas"],
    args: ([path = ""]) => ["-t", "-e", "stderr", "-p", folder, "-c", path, "-g", `pid ${folder}/nginx.pid;`],
  },
  {
    program: "haproxy",
    files: ["haproxy.cfg"],
    mistake: ["http-reuse", "http-reus"],
    args: ([path = ""]) => ["-c", "-f", path],
  },
  {
    program: "haproxy",
    files: ["haproxy-galera.cfg"],
    mistake: ["external-check command", "external-check comand"],
    args: ([path = ""]) => ["-c", "-f", path],
  },
  {
    program: "systemd-analyze",
    files: ["tsgi.service", "tsgi.socket"],
    mistake: ["Type=notify", "Type=notfy"],
    args: (paths) => ["verify", ...paths],
  },
];

/** The types of the package import files without their extension, which "nodenext" does not resolve. */
const { DCLinter } = dclint as unknown as {
  readonly DCLinter: new (options: object) => {
    lintFiles(
      paths: readonly string[],
      recursive: boolean,
    ): { readonly messages: readonly { readonly type: string; readonly message: string }[] }[];
  };
};

/** nginx opens its log and creates the folders of temporary files also for a check, by default where only root may. */
const NGINX_FOLDERS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

async function check(path: string, { files, args }: Checker, change: (text: string) => string): Promise<string> {
  const paths: string[] = [];
  for (const [i, name] of files.entries()) {
    const text = await read(name);
    const copy = join(folder, name);
    const folders = NGINX_FOLDERS.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
    await writeFile(copy, (i === 0 ? change(text) : text).replace(/^http \{$/m, `http { access_log off; ${folders}`));
    paths.push(copy);
  }
  const { status, stdout, stderr } = spawnSync(path, args(paths), { encoding: "utf8" });
  return status === 0 && !stderr.includes("ignoring") ? "right" : `wrong: ${stdout}${stderr}`;
}

const found = CHECKERS.flatMap((checker) => {
  const path = find(checker.program);
  return path === null ? [] : [{ ...checker, path }];
});

if (found.length > 0) {
  describe.each(found)("$program with $files", (checker) => {
    test("accepts its files", async () => {
      expect(await check(checker.path, checker, (text) => text)).toBe("right");
    });

    test("detects a misspelt directive", async () => {
      const [right, wrong] = checker.mistake;
      expect(await check(checker.path, checker, (text) => text.replace(right, wrong))).toMatch(/^wrong/);
    });
  });
}

describe("Dockerfile", () => {
  test("is valid", async () => {
    expect(validateDockerfile(await read("Dockerfile"))).toEqual([]);
  });

  test("is checked: an unknown instruction is found", async () => {
    const text = await read("Dockerfile");
    expect(validateDockerfile(text.replace("COPY", "COPPY"))).toHaveLength(1);
  });
});

describe("compose.yaml", () => {
  /** Errors only: its warnings are about the order of keys. */
  async function errors(text: string): Promise<readonly string[]> {
    const path = join(folder, "compose.yaml");
    await writeFile(path, text);
    const linter = new DCLinter({ rules: {}, quiet: true, debug: false, exclude: [] });
    return linter
      .lintFiles([path], false)
      .flatMap(({ messages }) => messages.filter(({ type }) => type === "error").map(({ message }) => message));
  }

  test("is valid by the schema of Compose", async () => {
    expect(await errors(await read("compose.yaml"))).toEqual([]);
  });

  test("is checked: an unknown key is found", async () => {
    const text = await read("compose.yaml");
    expect(await errors(text.replace("healthcheck:", "heathcheck:"))).toEqual([
      expect.stringContaining("must NOT have additional properties"),
    ]);
  });

  test("has the addresses that the proxies name", async () => {
    const { services } = parse(await read("compose.yaml"), { merge: true }) as {
      services: Record<
        string,
        { networks?: { default: { ipv4_address: string } }; environment?: Record<string, string> }
      >;
    };
    const addressOf = (name: string) => services[name]?.networks?.default.ipv4_address;
    for (const file of ["nginx.conf", "haproxy.cfg"]) {
      const servers = (await read(file)).match(/10\.88\.0\.\d+:8080/g);
      expect(servers).toEqual([`${addressOf("app-1")}:8080`, `${addressOf("app-2")}:8080`]);
    }
    expect(services["app-1"]?.environment?.["TSGI_TRUSTED_PROXIES"]).toBe(addressOf("proxy"));
  });

  test("a copy that stops keeps idle connections longer than nginx does, and ends within the grace period", async () => {
    const { services } = parse(await read("compose.yaml"), { merge: true }) as {
      services: Record<string, { environment: Record<string, string>; stop_grace_period: string }>;
    };
    const { environment = {}, stop_grace_period: grace = "" } = services["app-1"] ?? {};
    const variables = Object.entries(environment).filter(([name]) => name.startsWith("TSGI_"));
    const { config } = resolveConfig([environmentSource(Object.fromEntries(variables), 1)]);
    const keptMs = Number(/keepalive_timeout (\d+)s;/.exec(await read("nginx.conf"))?.[1]) * 1000;
    expect(config.drainIdleMs).toBeGreaterThan(keptMs);
    expect(config.keepAliveTimeoutMs).toBeGreaterThan(keptMs);
    expect(parseInt(grace, 10) * 1000).toBeGreaterThan(config.shutdownTimeoutMs);
  });
});

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly env: readonly { readonly name: string; readonly value?: string }[];
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
    readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } };
  }[];
}

describe("kubernetes.yaml", () => {
  async function documents() {
    const parsed = parseAllDocuments(await read("kubernetes.yaml"));
    expect(parsed.flatMap(({ errors }) => errors)).toEqual([]);
    const [deployment, service, budget] = parsed.map((document) => document.toJS() as { kind: string; spec: unknown });
    const { template, selector } = (deployment?.spec ?? {}) as {
      selector: { matchLabels: object };
      template: { metadata: { labels: object }; spec: Pod };
    };
    return { template, selector, service: service?.spec, budget: budget?.spec };
  }

  test("the selectors of all documents name the labels of the pod", async () => {
    const { template, selector, service, budget } = await documents();
    const { labels } = template.metadata;
    expect(selector.matchLabels).toEqual(labels);
    expect(service).toMatchObject({ selector: labels });
    expect(budget).toMatchObject({ selector: { matchLabels: labels } });
  });

  test("the environment is that of the command, and the probes ask its operations port", async () => {
    const { template, service } = await documents();
    const [container] = template.spec.containers;
    const given = container?.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? [];
    const { config } = resolveConfig([environmentSource(Object.fromEntries(given) as Record<string, string>, 1)]);
    expect(container?.ports).toContainEqual({ name: "ops", containerPort: config.opsPort });
    expect(service).toMatchObject({ ports: [{ targetPort: container?.ports[0]?.name }] });
    expect(config.opsHostname).toBe("0.0.0.0");
    const probes = (["startupProbe", "readinessProbe", "livenessProbe"] as const).map(
      (name) => container?.[name]?.httpGet,
    );
    expect(probes).toEqual(["/ready", "/ready", "/live"].map((path) => ({ path, port: "ops" })));
  });

  test("the grace period is longer than preStop and the shutdown timeout together", async () => {
    const { template } = await documents();
    const [container] = template.spec.containers;
    const timeout = container?.env.find(({ name }) => name === "TSGI_SHUTDOWN_TIMEOUT_MS");
    const needed = (container?.lifecycle.preStop.sleep.seconds ?? 0) + Number(timeout?.value) / 1000;
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  });
});
