import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type ConfigSource, environmentSource, OPTIONS, resolveConfig } from "./config.ts";
import { DEFAULT_LIMITS } from "./options.ts";

const source = (values: Readonly<Record<string, unknown>>): ConfigSource => ({
  place: "test",
  values,
  describe: (name) => `<${name}>`,
});
const PID = 1234;
const fromEnvironment = (environment: Readonly<Record<string, string>>) =>
  resolveConfig([environmentSource(environment, PID)]);

test("has a default for each option that can have one", () => {
  expect(resolveConfig([]).config).toEqual({
    ...DEFAULT_LIMITS,
    static: [],
    forwardedHeader: "x-forwarded",
    hostname: "127.0.0.1",
    port: 7788,
    proxyProtocol: false,
    drainDelayMs: 0,
    server: "socket",
    accessLog: "off",
    tlsSelfSigned: false,
    opsHostname: "127.0.0.1",
    watch: false,
    watchPath: [],
    startTimeoutMs: 60_000,
    stuckTimeoutMs: 30_000,
    maxRequestsPerWorker: Number.POSITIVE_INFINITY,
    maxWorkerMemoryBytes: Number.POSITIVE_INFINITY,
    shutdownTimeoutMs: 10_000,
  });
});

test("offers every limit of the servers", () => {
  expect(OPTIONS.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(DEFAULT_LIMITS)));
});

test("takes the first value of several sources, as a number if it is text, and knows its origin", () => {
  const { config, origins } = resolveConfig([
    source({ port: "1" }),
    { ...source({ port: 2, maxFields: "3", watch: "true" }), place: "second" },
  ]);
  expect(config).toMatchObject({ port: 1, maxFields: 3, watch: true });
  expect([...origins]).toEqual([
    ["port", "test (<port>)"],
    ["maxFields", "second (<maxFields>)"],
    ["watch", "second (<watch>)"],
  ]);
});

test.each([
  ["./public", [{ prefix: "/", folder: "./public" }]],
  ["/var/www", [{ prefix: "/", folder: "/var/www" }]],
  ["/static=./static", [{ prefix: "/static/", folder: "./static" }]],
  ["/static/=a=b", [{ prefix: "/static/", folder: "a=b" }]],
  [
    "/a=./a,/b=./b",
    [
      { prefix: "/a/", folder: "./a" },
      { prefix: "/b/", folder: "./b" },
    ],
  ],
  [
    ["/a=./a", "."],
    [
      { prefix: "/a/", folder: "./a" },
      { prefix: "/", folder: "." },
    ],
  ],
])("static: %j", (value, mounts) => {
  expect(resolveConfig([source({ static: value })]).config.static).toEqual(mounts);
});

test.each([
  [{ port: "" }, '<port>: must be a whole number from 0 to 65535, not ""'],
  [{ port: 1.5 }, "<port>: must be a whole number from 0 to 65535, not 1.5"],
  [{ port: "1e3" }, '<port>: must be a whole number from 0 to 65535, not "1e3"'],
  [{ fd: 2 }, "<fd>: must be a whole number from 3 to 65535, not 2"],
  [{ maxFields: 0 }, "<maxFields>: must be a whole number from 1, not 0"],
  [{ server: "apache" }, '<server>: must be socket, node, bun, deno or auto, not "apache"'],
  [{ watch: "perhaps" }, '<watch>: must be true or false, not "perhaps"'],
  [{ static: "/static=" }, "<static>: must be a folder, or a path and a folder such as /static=./static"],
  [{ tlsCert: "c.pem" }, "<tlsCert>: the private key of the certificate is missing (--tls-key)"],
  [{ tlsKey: "k.pem" }, "<tlsKey>: the certificate of the private key is missing (--tls-cert)"],
  [{ tlsSelfSigned: true, tlsCert: "c", tlsKey: "k" }, "<tlsSelfSigned>: there is a certificate already (--tls-cert)"],
  [{ tlsSelfSigned: true, path: "a.sock" }, "<path>: TLS needs a port"],
  [{ accessLogFile: "a" }, "<accessLogFile>: choose the format of the log (--access-log combined)"],
  [{ proxyProtocol: true }, "<proxyProtocol>: name the addresses of the proxies (--trusted-proxies 10.0.0.0/8)"],
  [{ proxyProtocol: true, trustedProxies: 1 }, "<proxyProtocol>: name the addresses of the proxies"],
  [{ prot: 1 }, '<prot>: unknown option: did you mean "port"?'],
  [{ host: "::" }, '<host>: unknown option: did you mean "hostname"?'],
  [{ nothingLikeIt: 1 }, "<nothingLikeIt>: unknown option"],
])("refuses %j", (values, message) => {
  expect(() => resolveConfig([source(values)])).toThrow(message);
});

test("reads the environment, with other names of an option", () => {
  expect(fromEnvironment({ TSGI_HOSTNAME: "::1", TSGI_HOST: "::", PORT: "1", TSGI_MAX_FIELDS: "" })).toMatchObject({
    config: { hostname: "::1", port: 1, maxFields: DEFAULT_LIMITS.maxFields },
  });
  expect(fromEnvironment({ TSGI_HOST: "::", TSGI_PORT: "2", PORT: "1" }).config).toMatchObject({
    hostname: "::",
    port: 2,
  });
});

test("refuses a variable that is nearly one of its own, and ignores other variables", () => {
  expect(() => fromEnvironment({ TSGI_PROT: "1" })).toThrow('TSGI_PROT: unknown variable: did you mean "TSGI_PORT"?');
  expect(() => fromEnvironment({ TSGI_MAXBODY_BYTES: "1" })).toThrow('did you mean "TSGI_MAX_BODY_BYTES"?');
  expect(fromEnvironment({ TSGI_OF_AN_APPLICATION: "1", TSGI_PORTAL_URL: "x", PROT: "1" }).config.port).toBe(7788);
});

test.each([
  ["for this process", { LISTEN_PID: String(PID), LISTEN_FDS: "1" }, 3],
  ["with a descriptor of its own", { LISTEN_PID: String(PID), LISTEN_FDS: "1", TSGI_FD: "5" }, 5],
  ["for another process", { LISTEN_PID: "99", LISTEN_FDS: "1" }, undefined],
  ["without a process", { LISTEN_FDS: "1" }, undefined],
])("takes the socket of LISTEN_FDS %s", (_which, environment, fd) => {
  expect(fromEnvironment(environment).config.fd).toBe(fd);
});

test("refuses several sockets of LISTEN_FDS", () => {
  expect(() => fromEnvironment({ LISTEN_PID: String(PID), LISTEN_FDS: "2" })).toThrow(
    "LISTEN_FDS: tsgi listens on one socket, not on 2",
  );
});

test("the README's table has all options", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const rows = OPTIONS.map(({ flag, placeholder, variables, defaultText, description }) => {
    const value = placeholder === null ? "" : ` <${placeholder.replaceAll("|", "\\|")}>`;
    return `| \`${flag}${value}\` | \`${variables[0]}\` | ${defaultText} | ${description} |`;
  });
  expect(readme).toContain(["| option | environment | default | |", "|---|---|---|---|", ...rows, ""].join("\n"));
});
