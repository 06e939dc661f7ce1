import { describe, expect, test } from "vitest";
import { readArguments } from "./arguments.ts";

describe("readArguments", () => {
  test.each<[readonly string[], Readonly<Record<string, unknown>>]>([
    [[], {}],
    [["app.ts"], { application: "app.ts" }],
    [["7788"], { port: "7788" }],
    [["0.0.0.0:80", "app.ts"], { hostname: "0.0.0.0", port: "80", application: "app.ts" }],
    [["[::1]:80"], { hostname: "::1", port: "80" }],
    [["app.ts", "--host", "::", "--port=1"], { application: "app.ts", hostname: "::", port: "1" }],
    [["--hostname", "::1"], { hostname: "::1" }],
    [["--watch", "app.ts"], { watch: true, application: "app.ts" }],
    [["--watch=false"], { watch: "false" }],
    [["--static", "/a=./a", "--static=./b"], { static: ["/a=./a", "./b"] }],
  ])("%j", (args, values) => {
    expect(readArguments(args).source.values).toEqual(values);
  });

  test.each([
    [["--prot", "1"], 'unknown option "--prot": did you mean "--port"?'],
    [["--maxBodyBytes=1"], 'unknown option "--maxBodyBytes": did you mean "--max-body-bytes"?'],
    [["--nothing-like-it"], 'unknown option "--nothing-like-it"'],
    [["-x"], 'unknown option "-x"'],
    [["--port"], '"--port" needs a value: --port <number>'],
    [["--port", "--watch"], '"--port" needs a value: --port <number>'],
    [["--port", "1", "--port", "2"], "--port is given twice"],
    [["--hostname", "::", "--host", "::1"], "--host is given twice"],
    [["1", "--port", "2"], '--port is given twice: "1" is the same option'],
    [["1", "app.ts", "x"], 'unexpected argument "x"'],
    [["app.ts", "1"], 'unexpected argument "1": the port comes before the module'],
    [["seven", "app.ts"], '"seven" is not a port or host:port'],
  ])("%j is wrong usage", (args, message) => {
    expect(() => readArguments(args)).toThrow(expect.objectContaining({ message, code: "USAGE" }) as Error);
  });

  test("leaves what follows -- to the application", () => {
    const { source, applicationArguments } = readArguments(["app.ts", "--", "--port", "1", "--", "x"]);
    expect(source.values).toEqual({ application: "app.ts" });
    expect(applicationArguments).toEqual(["--port", "1", "--", "x"]);
  });

  test("knows the options of the command itself", () => {
    expect(readArguments(["-h", "-v", "--check", "--config", "x.json"]).command).toEqual({
      config: "x.json",
      check: true,
      status: false,
      help: true,
      version: true,
    });
  });
});
