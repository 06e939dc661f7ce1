/** The codec on its own: what the wire cases do not say. */
import { array, assert, constantFrom, nat, oneof, property, string, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { isAuthority } from "../src/http1/grammar.ts";
import {
  type RequestError,
  RequestParser,
  type ResponseError,
  type ResponseFields,
  ResponseHeadEncoder,
  statusLine,
  trailerLine,
} from "../src/http1/index.ts";
import { transcript, WIRE_CASES } from "./wire-cases.ts";

describe("the parser", () => {
  test("gives the same events wherever the bytes are cut", () => {
    const good = WIRE_CASES.filter(
      ({ expected }) => expected.every((line) => !line.startsWith("refused")) && expected.length > 0,
    );
    const stream = array(constantFrom(...good.filter(({ expected }) => /^end|none/.test(expected.at(-1) ?? ""))), {
      minLength: 1,
      maxLength: 6,
    });
    assert(
      property(stream, array(nat(4000), { maxLength: 12 }), (cases, cuts) => {
        const bytes = Buffer.concat(cases.map((wireCase) => wireCase.bytes));
        const places = [0, ...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        expect(transcript(pieces)).toEqual(transcript([bytes]));
      }),
    );
  });

  test("throws nothing but RequestError, whatever the bytes", () => {
    const noise = oneof(
      uint8Array({ maxLength: 300 }),
      string({ unit: constantFrom(..."GET / HTTP1.\r\n:0aA;=\t".split("")), maxLength: 300 }),
    );
    assert(
      property(noise, (bytes) => {
        transcript([Buffer.from(bytes as Uint8Array)]);
      }),
      { numRuns: 2000 },
    );
  });

  test("accepts as many fields as the limit, and refuses one more", () => {
    const head = (count: number) => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${"x: y\r\n".repeat(count - 1)}\r\n`);
    expect(transcript([head(100)])[0]).toMatch(/^request/);
    expect(transcript([head(101)])).toEqual(["refused 431 TOO_MANY_FIELDS"]);
  });

  test("accepts a head of exactly maxHeadBytes, and refuses one more byte", () => {
    const limits = { maxHeadBytes: 64, maxTargetBytes: 32, maxFields: 10 };
    const head = (length: number) => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(length - 32)}\r\n\r\n`);
    expect(head(64).length).toBe(64);
    expect(transcript([head(64)], new RequestParser(limits))[0]).toMatch(/^request/);
    expect(transcript([head(65)], new RequestParser(limits))).toEqual(["refused 431 HEAD_TOO_LARGE"]);
  });

  test("limits the chunk extensions of a whole message", () => {
    const parser = new RequestParser();
    parser.push(Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    parser.next();
    const run = () => {
      for (let i = 0; i < 100; i++) {
        parser.push(Buffer.from(`1;${"e".repeat(200)}\r\nx\r\n`));
        while (parser.next() !== null);
      }
    };
    expect(run).toThrow(expect.objectContaining({ code: "CHUNK_EXTENSIONS_TOO_LARGE", status: 413 }) as RequestError);
  });

  test("gives content as views on the pushed bytes, not as copies", () => {
    const bytes = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const parser = new RequestParser();
    parser.push(bytes);
    parser.next();
    const event = parser.next();
    expect(event?.kind === "data" && event.bytes.buffer).toBe(bytes.buffer);
  });

  describe("with takeContent", () => {
    const post = (fields: string, content: string) =>
      Buffer.from(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${content}`);

    test("gives content that has been pushed as a whole in place of its events", () => {
      const parser = new RequestParser();
      parser.push(Buffer.concat([post("Content-Length: 5", "hello"), post("Content-Length: 3", "abc")]));
      for (const content of ["hello", "abc"]) {
        expect(parser.next()).toMatchObject({ kind: "request" });
        expect(parser.takeContent()?.toString()).toBe(content);
        expect(parser.takeContent()).toBe(null);
      }
      expect(parser.next()).toBe(null);
      expect(parser.bufferedBytes).toBe(0);
    });

    test.each([
      ["of which a byte is missing", post("Content-Length: 5", "hell"), ["data"]],
      ["in chunks", post("Transfer-Encoding: chunked", "1\r\nx\r\n0\r\n\r\n"), ["data", "end"]],
      ["of no bytes", post("Content-Length: 0", ""), []],
    ])("gives nothing for content %s, whose events follow", (_name, bytes, kinds) => {
      const parser = new RequestParser();
      parser.push(bytes);
      parser.next();
      expect(parser.takeContent()).toBe(null);
      const events: (string | undefined)[] = [];
      for (let event = parser.next(); event !== null; event = parser.next()) events.push(event.kind);
      expect(events).toEqual(kinds);
    });
  });

  test("gives the bytes that follow an upgrade request to takeRest", () => {
    const parser = new RequestParser();
    parser.push(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nrest"));
    parser.next();
    expect(parser.takeRest().toString()).toBe("rest");
    expect(parser.next()).toBeNull();
  });
});

describe("the verdict on a head", () => {
  /** The bytes that the parser needs until it refuses, and the refusal. */
  const refusalOf = (text: string): string => {
    const parser = new RequestParser();
    for (let at = 0; at < text.length; at++) {
      parser.push(Buffer.from(text[at] ?? "", "latin1"));
      try {
        while (parser.next() !== null);
      } catch (error) {
        return `${JSON.stringify(text.slice(0, at + 1))} ${(error as RequestError).status} ${(error as RequestError).code}`;
      }
    }
    return "none";
  };

  test.each([
    ["a TLS client", "\x16\x03\x01\x02\x00", String.raw`"\u0016" 400 FORBIDDEN_BYTE`],
    ["an SSH client", "SSH-2.0-OpenSSH_9.2\r\nrest", String.raw`"SSH-2.0-OpenSSH_9.2\r\n" 400 BAD_REQUEST_LINE`],
    ["an SMTP client", "EHLO mail.example.org\r\nrest", String.raw`"EHLO mail.example.org\r\n" 400 BAD_REQUEST_LINE`],
    ["a Redis client", "*1\r\n$4\r\nPING\r\n", String.raw`"*1\r\n" 400 BAD_REQUEST_LINE`],
    ["a PostgreSQL client", "\0\0\0\x08\x04\xd2\x16\x2f", String.raw`"\u0000" 400 FORBIDDEN_BYTE`],
    ["a client of the PROXY protocol", "PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n", '"PROXY TCP4 1" 400 BAD_VERSION'],
    [
      "an HTTP/2 client",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      String.raw`"PRI * HTTP/2.0\r\n" 505 VERSION_NOT_SUPPORTED`,
    ],
    ["a method with a byte that is not in a token", "GE(T / HTTP/1.1", '"GE(" 400 BAD_METHOD'],
    ["a version in lower case", "GET / http/1.1", '"GET / h" 400 BAD_VERSION'],
    ["a version with a third digit", "GET / HTTP/1.10", '"GET / HTTP/1.10" 400 BAD_VERSION'],
    ["a target that no form allows", "GET path HTTP/1.1\r\nHost", String.raw`"GET path HTTP/1.1\r\n" 400 BAD_TARGET`],
    ["a bare LF", "GET / HTTP/1.1\nHost: a", String.raw`"GET / HTTP/1.1\n" 400 FORBIDDEN_BYTE`],
    ["a bare CR", "GET /\rHTTP/1.1", String.raw`"GET /\rH" 400 FORBIDDEN_BYTE`],
    ["an HTTP/0.9 request", "GET /\r\n", String.raw`"GET /\r\n" 400 BAD_REQUEST_LINE`],
  ])("comes with the byte that decides it: %s", (_client, sent, expected) => {
    expect(refusalOf(sent)).toBe(expected);
  });

  test.each([
    ["a field line without a colon", "X", "400 BAD_FIELD_LINE"],
    ["a folded field line", " a", "400 BAD_FIELD_LINE"],
    ["a second Host", "Host: a", "400 BAD_HOST"],
    ["a Content-Length that is not a number", "Content-Length: x", "400 BAD_CONTENT_LENGTH"],
    ["a Transfer-Encoding with a tab", "Transfer-Encoding:\tchunked", "400 BAD_TRANSFER_ENCODING"],
  ])("comes with the end of the field line that decides it: %s", (_fault, line, expected) => {
    const head = `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n`;
    expect(refusalOf(`${head}A: b\r\n\r\n`)).toBe(`${JSON.stringify(head)} ${expected}`);
  });

  test("comes at the byte for a control character in a field line", () => {
    expect(refusalOf("GET / HTTP/1.1\r\nA: b\x01c")).toBe(
      String.raw`"GET / HTTP/1.1\r\nA: b\u0001" 400 FORBIDDEN_BYTE`,
    );
  });

  test.each([
    ["a wrong request line before a control character", "GET path HTTP/1.1\r\nA: \0\r\n\r\n", "400 BAD_TARGET"],
    ["a control character in the line that is wrong", "GET / HTTP/1.1\r\nA \0\r\n\r\n", "400 FORBIDDEN_BYTE"],
    [
      "a wrong line before one that is too long",
      `GET / HTTP/1.1\r\nA\r\nB: ${"b".repeat(20_000)}`,
      "400 BAD_FIELD_LINE",
    ],
    ["a control character before the limit", `GET / HTTP/1.1\r\nB: \0${"b".repeat(20_000)}`, "400 FORBIDDEN_BYTE"],
    ["a control character behind the limit", `GET / HTTP/1.1\r\nB: ${"b".repeat(20_000)}\0\r\n`, "431 HEAD_TOO_LARGE"],
    ["a method that is too long and not a token", `${"A".repeat(40)}( / HTTP/1.1\r\n`, "501 METHOD_TOO_LONG"],
    ["a long target before a wrong version", `GET /${"a".repeat(9000)} http\r\n`, "414 TARGET_TOO_LONG"],
  ])("is that of the first fault, however the bytes are cut: %s", (_faults, text, expected) => {
    const bytes = Buffer.from(text, "latin1");
    const refused = [`refused ${expected}`];
    expect(transcript([bytes])).toEqual(refused);
    expect(transcript(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(refused);
    for (let cut = 1; cut < bytes.length; cut += Math.ceil(bytes.length / 300)) {
      expect(transcript([bytes.subarray(0, cut), bytes.subarray(cut)]), `cut at ${cut}`).toEqual(refused);
    }
  });

  test.each([
    ["HEAD / HTTP/1.1\r\nHo", "HEAD"],
    ["HEAD / HTTP/1.1\r\nA\r\n", "HEAD"],
    ["HEAD / HTTP/3.0\r\n", "HEAD"],
    ["\r\nHEAD / HT", "HEAD"],
    ["HEADER / HTTP/1.1\r\n\r\n", "HEADER"],
    ["HEAD", ""],
  ])("leaves the method readable, which decides whether a refusal has content: %j", (text, method) => {
    for (const pieces of [[text], Array.from(text)]) {
      const parser = new RequestParser();
      try {
        for (const piece of pieces) {
          parser.push(Buffer.from(piece));
          while (parser.next() !== null);
        }
      } catch {
        // Refused.
      }
      expect(parser.method).toBe(method);
    }
  });
});

test("an authority that needs no call of URL.canParse is one that URL accepts", () => {
  const letters = string({ unit: constantFrom(..."aZ09-_.x:[]%".split("")), minLength: 1, maxLength: 20 });
  const numbers = array(nat(300), { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
  assert(
    property(oneof(letters, numbers), (text) => {
      if (isAuthority(text)) expect(URL.canParse(`http://${text}`), text).toBe(true);
    }),
    { numRuns: 5000 },
  );
  for (const text of ["xn--a.example", "1.2.3.256", "a:99999", "0x1", "a.1", "1.2.3"]) {
    expect(isAuthority(text), text).toBe(URL.canParse(`http://${text}`));
  }
});

describe("a response head", () => {
  const write = (fields: ResponseFields): string => new ResponseHeadEncoder(200, fields).encode("", "", "");

  test.each([
    ["a CR", "a\rb"],
    ["an LF", "a\nSet-Cookie: b"],
    ["a CRLF", "a\r\n\r\n<html>"],
    ["a NUL", "a\0b"],
    ["a character beyond a byte", "添"],
    ["DEL", "\x7f"],
  ])("cannot be split by %s in a value", (_name, value) => {
    expect(() => write({ "x-a": value })).toThrow(
      expect.objectContaining({ code: "BAD_FIELD_VALUE" }) as ResponseError,
    );
    expect(() => trailerLine("x-a", value)).toThrow(
      expect.objectContaining({ code: "BAD_FIELD_VALUE" }) as ResponseError,
    );
  });

  test.each(["", "x a", "x:", "x\r\n", "é", "x\0"])("cannot be split by the name %j", (name) => {
    expect(() => write({ [name]: "v" })).toThrow(expect.objectContaining({ code: "BAD_FIELD_NAME" }) as ResponseError);
    expect(() => trailerLine(name, "v")).toThrow(expect.objectContaining({ code: "BAD_FIELD_NAME" }) as ResponseError);
  });

  test("refuses a Content-Length that is not a number, and two of them", () => {
    for (const value of ["", "-1", "1.5", "0x1", ["1", "1"]]) {
      expect(() => write({ "content-length": value })).toThrow(
        expect.objectContaining({ code: "BAD_RESPONSE_LENGTH" }) as ResponseError,
      );
    }
  });

  test("leaves out the connection fields that an application gives", () => {
    const fields = {
      Connection: "close",
      "Keep-Alive": "1",
      "proxy-connection": "x",
      "Transfer-Encoding": "gzip",
      Upgrade: "h2c",
    };
    expect(write({ a: "1", ...fields })).toBe("HTTP/1.1 200 OK\r\na: 1\r\n\r\n");
  });

  test("keeps the order of the fields and writes one line for each item of an array", () => {
    expect(write({ b: "1", "set-cookie": ["x=1", "y=2"], a: "\xe9" })).toBe(
      "HTTP/1.1 200 OK\r\nb: 1\r\nset-cookie: x=1\r\nset-cookie: y=2\r\na: \xe9\r\n\r\n",
    );
  });

  test("has a space and no reason phrase for an unregistered status", () => {
    expect(statusLine(599)).toBe("HTTP/1.1 599 \r\n");
    expect(() => statusLine(600)).toThrow(expect.objectContaining({ code: "BAD_STATUS" }) as ResponseError);
    expect(() => statusLine(200.5)).toThrow(expect.objectContaining({ code: "BAD_STATUS" }) as ResponseError);
  });
});
