import { expect, test } from "vitest";
import { resolveConfig } from "../config.ts";
import { explain } from "./explain.ts";

const { config } = resolveConfig([
  { place: "test", values: { hostname: "example.test", port: 80 }, describe: (name) => name },
]);
const onSocket = { ...config, path: "/run/app.sock" };
const system = (code: string, members: object = {}) =>
  Object.assign(new Error(`${code}: as node says it`), { code, ...members });

test.each([
  [
    "a port in use",
    system("EADDRINUSE", { syscall: "listen" }),
    "Port 80 of example.test is in use: stop the program that listens there, or choose another port, such as 81",
  ],
  [
    "a port that needs rights",
    system("EACCES", { syscall: "listen" }),
    "This user may not listen on port 80 of example.test: choose a port from 1024 up",
  ],
  [
    "the host name to listen on that is not known",
    system("ENOTFOUND", { syscall: "getaddrinfo", hostname: "example.test" }),
    "The host name example.test is not known: use 127.0.0.1, or 0.0.0.0 for all addresses of this machine",
  ],
  [
    "a name that the application looked up",
    system("ENOTFOUND", { syscall: "getaddrinfo", hostname: "database.test" }),
    "ENOTFOUND: as node says it",
  ],
  ["an error with a code of its own", system("DATABASE_UNREACHABLE"), "DATABASE_UNREACHABLE: as node says it"],
  ["a file that Node cannot run", system("ERR_UNKNOWN_FILE_EXTENSION"), "ERR_UNKNOWN_FILE_EXTENSION: as node says it"],
  ["a mistake in a program", system("ERR_INVALID_ARG_TYPE"), null],
  ["a plain error", new Error("a bug"), null],
  ["a value that is not an error", "a string", null],
])("%s", (_name, error, line) => {
  expect(explain(error, config)).toBe(line);
});

test("a path in use", () => {
  expect(explain(system("EADDRINUSE", { syscall: "listen" }), onSocket)).toBe(
    "/run/app.sock is in use: stop the program that listens there, or choose another path",
  );
});

test("a path that the system refuses", () => {
  expect(explain(system("EACCES", { syscall: "listen" }), onSocket)).toBe(
    "Cannot listen on /run/app.sock: its folder must exist, and this user may write there",
  );
});
