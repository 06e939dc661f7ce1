/** Checks an application and the server that runs it against PEP 3333, as Python's `wsgiref.validate` does. */
import { TOKEN } from "../../server-kit/fields.ts";
import { describe } from "../../server-kit/handler-result.ts";
import { callApplication, toWsgiResponse } from "./application.ts";
import { readFields, readStatus } from "./start-response.ts";
import type {
  Bytes,
  Environ,
  ErrorStream,
  StartResponse,
  WsgiApplication,
  WsgiFunction,
  WsgiResponse,
} from "./types.ts";

/** One side violated PEP 3333. */
export class WsgiValidationError extends Error {
  override readonly name = "WsgiValidationError";
  readonly code = "WSGI_INVALID";
  readonly side: "server" | "application";

  constructor(side: "server" | "application", message: string, options?: ErrorOptions) {
    super(`The WSGI ${side} ${message}`, options);
    this.side = side;
  }
}

/**
 * The application, checked from both sides: put it between an application and the server that runs it, in tests and development.
 * The checks throw a {@link WsgiValidationError} out of the call that violates the text.
 *
 * It accepts strings as byte strings, as `wsgi` does, but not a string in place of the iterable.
 */
export function validator(application: WsgiApplication): WsgiFunction {
  return (...given: readonly unknown[]) => {
    check(given.length === 2, "server", `must call the application with two arguments, not ${given.length}`);
    const [environ, startResponse] = given as Parameters<WsgiFunction>;
    checkEnviron(environ);
    check(typeof startResponse === "function", "server", "must pass a function as startResponse");
    environ["wsgi.errors"] = checkedErrors(environ["wsgi.errors"]);

    let started = false;
    const checkedStart: StartResponse = (...args: readonly unknown[]) => {
      check(
        args.length === 2 || args.length === 3,
        "application",
        "must call startResponse with two or three arguments",
      );
      const [status, headers, excInfo] = args as Parameters<StartResponse>;
      checkHead(status, headers);
      checkExcInfo(excInfo);
      const write = startResponse(...(args as Parameters<StartResponse>));
      check(typeof write === "function", "server", "must return the function write from startResponse");
      started = true;
      return (data) => {
        checkPiece(data);
        write(data);
      };
    };

    const body = callApplication(application, environ, checkedStart);
    check(
      typeof body !== "string" && !(body instanceof Uint8Array),
      "application",
      `must return an iterable of byte strings: write [body], not body, whose pieces are single ${typeof body === "string" ? "characters" : "numbers"}`,
    );
    return checkedResponse(
      blame(() => toWsgiResponse(body)),
      () => started,
    );
  };
}

function checkedResponse(response: WsgiResponse, isStarted: () => boolean): WsgiResponse {
  let closed = false;
  return {
    [Symbol.iterator]: () => {
      const iterator = response[Symbol.iterator]();
      return {
        next: (): IteratorResult<Bytes, undefined> => {
          check(!closed, "server", "must not ask for a piece of the body after close()");
          const result: IteratorResult<Bytes, unknown> = iterator.next();
          if (result.done !== true) checkPiece(result.value);
          check(isStarted(), "application", "must call startResponse before the first piece of its body");
          return result.done === true ? { done: true, value: undefined } : result;
        },
        return: () => {
          iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
    close: () => {
      check(!closed, "server", "must call close() once");
      closed = true;
      response.close?.();
    },
  };
}

const REQUIRED = ["REQUEST_METHOD", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"] as const;
const METHODS: Readonly<Record<"wsgi.input" | "wsgi.errors", readonly PropertyKey[]>> = {
  "wsgi.input": ["read", "readline", "readlines", Symbol.iterator],
  "wsgi.errors": ["write", "writelines", "flush"],
};

/** PEP 3333, "environ Variables". */
function checkEnviron(environ: Environ): void {
  check(
    typeof environ === "object" && environ !== null,
    "server",
    `must pass an object as environ, not ${describe(environ)}`,
  );
  const variable = (name: string, right: (value: unknown) => boolean, expected: string) => {
    check(
      right(environ[name]),
      "server",
      `must set environ[${JSON.stringify(name)}] to ${expected}, not ${describe(environ[name])}`,
    );
  };
  for (const name of REQUIRED)
    variable(name, (value) => typeof value === "string" && value !== "", "a string that is not empty");
  for (const [name, value] of Object.entries(environ)) {
    // A name with a dot is an extension, whose value may be of any type.
    if (!name.includes(".") && value !== undefined) variable(name, (given) => typeof given === "string", "a string");
  }
  variable("REQUEST_METHOD", (value) => TOKEN.test(String(value)), "a token (RFC 9110 §5.6.2)");
  variable("SCRIPT_NAME", matches(/^(?:\/.+)?$/s), '"" or a path that is not "/"');
  variable("PATH_INFO", matches(/^(?:\/.*)?$/s), '"" or a path that begins with "/"');
  variable("CONTENT_LENGTH", matches(/^\d*$/), "a decimal number");
  for (const name of ["HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"]) {
    check(!(name in environ), "server", `must set ${name.slice("HTTP_".length)}, not ${name}`);
  }
  variable("wsgi.version", (value) => Array.isArray(value) && value.length === 2, "a pair of numbers");
  variable("wsgi.url_scheme", (value) => value === "http" || value === "https", '"http" or "https"');
  for (const name of ["wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"]) {
    variable(name, (value) => typeof value === "boolean", "a boolean");
  }
  for (const [name, methods] of Object.entries(METHODS)) {
    variable(
      name,
      (value) => methods.every((method) => hasMethod(value, method)),
      `an object with ${methods.map(String).join(", ")}`,
    );
  }
}

function matches(pattern: RegExp): (value: unknown) => boolean {
  return (value) => value === undefined || (typeof value === "string" && pattern.test(value));
}

function hasMethod(value: unknown, method: PropertyKey): boolean {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, method) === "function";
}

function checkText(text: unknown): void {
  check(typeof text === "string", "application", `must write strings to wsgi.errors, not ${describe(text)}`);
}

function checkedErrors(errors: ErrorStream): ErrorStream {
  return {
    write: (text) => {
      checkText(text);
      errors.write(text);
    },
    writelines: (lines) => {
      const list = [...lines];
      list.forEach(checkText);
      errors.writelines(list);
    },
    flush: () => {
      errors.flush();
    },
  };
}

/** PEP 3333, "The start_response() Callable". */
function checkHead(status: string, headers: Parameters<StartResponse>[1]): void {
  const code = blame(() => readStatus(status));
  const names = blame(() => readFields(headers)).map(([name]) => name.toLowerCase());
  check(
    !names.includes("status"),
    "application",
    "must not send a field named Status: the status is the first argument",
  );
  for (const name of names) {
    check(!/[-_]$/.test(name), "application", `must not send the field ${name}: its name ends in "${name.slice(-1)}"`);
  }
  const hasContent = code !== 204 && code !== 304;
  check(
    names.includes("content-type") === hasContent,
    "application",
    hasContent
      ? `must send a Content-Type with the status ${code}`
      : `must not send a Content-Type with the status ${code}`,
  );
}

function checkExcInfo(excInfo: unknown): void {
  const right =
    excInfo === undefined ||
    excInfo === null ||
    excInfo instanceof Error ||
    (Array.isArray(excInfo) && excInfo.length === 3 && excInfo[1] instanceof Error);
  check(right, "application", `must pass an Error or the triple of its type, the error and its trace as excInfo`);
}

function checkPiece(piece: unknown): void {
  const right = typeof piece === "string" || piece instanceof Uint8Array;
  check(right, "application", `must send strings or bytes as the pieces of its body, not ${describe(piece)}`);
}

function check(condition: boolean, side: "server" | "application", message: string): asserts condition {
  if (!condition) throw new WsgiValidationError(side, message);
}

/** The result of a reader of the adapter, whose error is the application's. */
function blame<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new WsgiValidationError(
      "application",
      `is wrong: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
