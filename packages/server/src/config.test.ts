import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { OPTIONS, resolveConfig } from "./config.ts";
import { DEFAULT_LIMITS } from "./options.ts";

const source = (values: Readonly<Record<string, unknown>>) => ({ values, describe: (name: string) => `<${name}>` });

test("has a default for everything but the application, the path and a certificate", () => {
  expect(resolveConfig([])).toEqual({
    ...DEFAULT_LIMITS,
    host: "127.0.0.1",
    port: 7788,
    server: "socket",
    tlsSelfSigned: false,
    watch: false,
    shutdownTimeoutMs: 10_000,
  });
});

test("offers every limit that the servers have", () => {
  expect(OPTIONS.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(DEFAULT_LIMITS)));
});

test("takes the first value of several sources, as a number where it is text", () => {
  expect(resolveConfig([source({ port: "1" }), source({ port: 2, maxFields: "3", watch: "true" })])).toMatchObject({
    port: 1,
    maxFields: 3,
    watch: true,
  });
});

test.each([
  [{ port: "" }, "<port>: must be a whole number from 0 to 65535"],
  [{ port: 1.5 }, "<port>: must be a whole number from 0 to 65535"],
  [{ port: "1e3" }, "<port>: must be a whole number from 0 to 65535"],
  [{ maxFields: 0 }, "<maxFields>: must be a whole number from 1"],
  [{ server: "apache" }, "<server>: must be socket or node"],
  [{ watch: "perhaps" }, "<watch>: must be true or false"],
  [{ tlsCert: "c.pem" }, "<tlsCert>: the certificate's key is missing (--tls-key)"],
  [{ tlsKey: "k.pem" }, "<tlsKey>: the key's certificate is missing (--tls-cert)"],
  [{ tlsSelfSigned: true, tlsCert: "c", tlsKey: "k" }, "<tlsSelfSigned>: there is a certificate already (--tls-cert)"],
  [{ tlsSelfSigned: true, path: "a.sock" }, "<path>: TLS needs a port"],
  [{ prot: 1 }, "<prot>: there is no such option"],
])("refuses %j", (values, message) => {
  expect(() => resolveConfig([source(values)])).toThrow(message);
});

test("the README's table says what the options are", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const rows = OPTIONS.map(({ flag, placeholder, variable, defaultText, description }) => {
    const value = placeholder === null ? "" : ` <${placeholder.replaceAll("|", "\\|")}>`;
    return `| \`${flag}${value}\` | \`${variable}\` | ${defaultText} | ${description} |`;
  });
  expect(readme).toContain(["| option | environment | default | |", "|---|---|---|---|", ...rows, ""].join("\n"));
});
