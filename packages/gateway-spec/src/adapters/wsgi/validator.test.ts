import { describe, expect, test } from "vitest";
import { createTestClient } from "../../testing.ts";
import {
  type Environ,
  InputStream,
  type StartResponse,
  validator,
  wsgi,
  type WsgiApplication,
  type WsgiFunction,
  WsgiValidationError,
} from "./index.ts";

const TEXT = [["Content-Type", "text/plain"]] as const;
const ok = (startResponse: StartResponse) => startResponse("200 OK", TEXT);

function environ(changes: Readonly<Record<string, unknown>> = {}): Environ {
  const right = {
    REQUEST_METHOD: "GET",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    QUERY_STRING: "",
    SERVER_NAME: "127.0.0.1",
    SERVER_PORT: "80",
    SERVER_PROTOCOL: "HTTP/1.1",
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": "http",
    "wsgi.input": new InputStream(Buffer.from("")),
    "wsgi.errors": { write: () => undefined, writelines: () => undefined, flush: () => undefined },
    "wsgi.multithread": false,
    "wsgi.multiprocess": true,
    "wsgi.run_once": false,
  };
  return { ...right, ...changes } as unknown as Environ;
}

/** What a server does: calls the application and takes the whole body. */
function run(application: WsgiFunction, given: Environ = environ()): void {
  const body = application(given, () => () => undefined) as Iterable<unknown> & { close?: () => void };
  Array.from(body);
  body.close?.();
}

test("an application that follows PEP 3333 gets and sends the same as without the validator", async () => {
  const application = validator((given, startResponse) => {
    given["wsgi.errors"].writelines(["checked\n"]);
    const write = startResponse("201 Created", TEXT);
    write("first ");
    return [given["wsgi.input"].read(), " last"];
  });
  const errors: string[] = [];
  const writeError = (text: string) => void errors.push(text);
  await using client = await createTestClient(wsgi(application, { writeError }));
  const response = await client.request("/", { method: "POST", body: "content" });
  expect([response.status, response.text(), errors]).toEqual([201, "first content last", ["checked\n"]]);
});

describe("the validator blames the application for", () => {
  test.each<[string, WsgiApplication, string]>([
    ["a string in place of the iterable", (_environ, start) => (ok(start), "page"), "write [body], not body"],
    ["bytes in place of the iterable", (_environ, start) => (ok(start), Buffer.from("page")), "write [body], not body"],
    ["an object that is not iterable", (_environ, start) => (ok(start), {} as string[]), "must return an iterable"],
    ["a number in the body", (_environ, start) => (ok(start), [1] as unknown as string[]), "not the number 1"],
    ["no call of startResponse", () => ["page"], "must call startResponse before"],
    ["no call of startResponse and no pieces", () => [], "must call startResponse before"],
    [
      "headers without startResponse's list of pairs",
      (_environ, start) => (start("200 OK", {} as []), []),
      "list of pairs",
    ],
    ["a status without a reason", (_environ, start) => (start("200", TEXT), []), 'such as "200 OK"'],
    ["no Content-Type", (_environ, start) => (start("200 OK", []), []), "must send a Content-Type"],
    [
      "a Content-Type with 304",
      (_environ, start) => (start("304 Not Modified", TEXT), []),
      "must not send a Content-Type",
    ],
    ["a field named Status", (_environ, start) => (start("200 OK", [...TEXT, ["Status", "200"]]), []), "named Status"],
    [
      "a field name that ends in a hyphen",
      (_environ, start) => (start("200 OK", [...TEXT, ["X-", "1"]]), []),
      "ends in",
    ],
    ["excInfo that holds no error", (_environ, start) => (start("200 OK", TEXT, [1, 2, 3] as never), []), "as excInfo"],
    [
      "one argument of startResponse",
      (_environ, start) => (Reflect.apply(start, null, ["200 OK"]), []),
      "two or three arguments",
    ],
    ["a number given to write", (_environ, start) => (ok(start)(1 as unknown as string), []), "not the number 1"],
    [
      "a number written to wsgi.errors",
      (given, start) => (given["wsgi.errors"].write(1 as unknown as string), ok(start), []),
      "must write strings to wsgi.errors",
    ],
  ])("%s", (_name, application, message) => {
    const checked = () => {
      run(validator(application));
    };
    expect(checked).toThrow(WsgiValidationError);
    expect(checked).toThrow(message);
    expect(checked).toThrow(expect.objectContaining({ side: "application", code: "WSGI_INVALID" }) as Error);
  });
});

describe("the validator blames the server for", () => {
  const application = validator((_environ, startResponse) => (ok(startResponse), ["a", "b"]));

  test.each<[string, () => unknown, string]>([
    ["a call with one argument", () => void Reflect.apply(application, null, [environ()]), "two arguments, not 1"],
    ["no environ", () => application(null as unknown as Environ, () => () => undefined), "an object as environ"],
    ["no startResponse", () => application(environ(), undefined as never), "a function as startResponse"],
    ["a startResponse without write", () => application(environ(), (() => undefined) as never), "the function write"],
    ["no method", () => run(application, environ({ REQUEST_METHOD: undefined })), '"REQUEST_METHOD"'],
    ["a port that is a number", () => run(application, environ({ SERVER_PORT: 80 })), "a string"],
    ["a path without its slash", () => run(application, environ({ PATH_INFO: "page" })), '"PATH_INFO"'],
    ["SCRIPT_NAME /", () => run(application, environ({ SCRIPT_NAME: "/" })), '"SCRIPT_NAME"'],
    ["a length that is no number", () => run(application, environ({ CONTENT_LENGTH: "many" })), '"CONTENT_LENGTH"'],
    ["HTTP_CONTENT_TYPE", () => run(application, environ({ HTTP_CONTENT_TYPE: "a/b" })), "must set CONTENT_TYPE"],
    ["another scheme", () => run(application, environ({ "wsgi.url_scheme": "ftp" })), '"http" or "https"'],
    ["no input", () => run(application, environ({ "wsgi.input": undefined })), '"wsgi.input"'],
    ["wsgi.run_once that is a string", () => run(application, environ({ "wsgi.run_once": "no" })), "a boolean"],
    [
      "a piece taken after close()",
      () => {
        const body = application(environ(), () => () => undefined) as Iterable<string> & { close: () => void };
        const pieces = body[Symbol.iterator]();
        body.close();
        return pieces.next();
      },
      "after close()",
    ],
    [
      "a second close()",
      () => {
        const body = application(environ(), () => () => undefined) as Iterable<string> & { close: () => void };
        body.close();
        body.close();
      },
      "must call close() once",
    ],
  ])("%s", (_name, serve, message) => {
    expect(serve).toThrow(message);
    expect(serve).toThrow(expect.objectContaining({ side: "server" }) as Error);
  });
});
