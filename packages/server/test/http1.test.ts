import { array, assert, constantFrom, nat, oneof, property, record, string, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  trailerLine,
  HeadWriter,
  type RequestError,
  RequestParser,
  type ResponseError,
  statusLine,
} from "../src/http1/index.ts";
import { transcript, WIRE_CASES } from "./wire-cases.ts";

describe("the parser", () => {
  test("gives the same events wherever its bytes are cut", () => {
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

  test("gives the same events for a head that repeats, however often, wherever it is cut and whatever byte of it is another", () => {
    const heads = [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      `GET /long HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(300)}\r\n\r\n`,
    ];
    assert(
      property(constantFrom(...heads), nat(12), nat(4000), nat(4000), (head, times, change, cut) => {
        const bytes = Buffer.from(head.repeat(times + 1));
        const at = change % bytes.length;
        bytes[at] = bytes[at] === 0x78 ? 0x79 : 0x78;
        const whole = transcript([bytes]);
        expect(transcript([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
        expect(transcript(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
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

  test("refuses more fields than its limit, and takes as many as that", () => {
    const head = (count: number) => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${"x: y\r\n".repeat(count - 1)}\r\n`);
    expect(transcript([head(100)])[0]).toMatch(/^request/);
    expect(transcript([head(101)])).toEqual(["refused 431 TOO_MANY_FIELDS"]);
  });

  test("takes a head of exactly the limit", () => {
    const limits = { maxHeadBytes: 64, maxTargetBytes: 32, maxFields: 10 };
    const head = (length: number) => Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(length - 32)}\r\n\r\n`);
    expect(head(64).length).toBe(64);
    expect(transcript([head(64)], new RequestParser(limits))[0]).toMatch(/^request/);
    expect(transcript([head(65)], new RequestParser(limits))).toEqual(["refused 431 HEAD_TOO_LARGE"]);
  });

  test("bounds chunk extensions over the whole message", () => {
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

  test("gives content as views on what was pushed, not as copies", () => {
    const bytes = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const parser = new RequestParser();
    parser.push(bytes);
    parser.next();
    const event = parser.next();
    expect(event?.kind === "data" && event.bytes.buffer).toBe(bytes.buffer);
  });

  test("hands over the bytes behind an upgrade", () => {
    const parser = new RequestParser();
    parser.push(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nrest"));
    parser.next();
    expect(parser.takeRest().toString()).toBe("rest");
    expect(parser.next()).toBeNull();
  });
});

describe("a response head", () => {
  const write = (fields: Readonly<Record<string, string | readonly string[]>>): string => {
    const writer = new HeadWriter();
    writer.begin(200, fields);
    return writer.end("", "", "");
  };

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

  test("refuses a Content-Length that is no number or stands twice", () => {
    for (const value of ["", "-1", "1.5", "0x1", ["1", "1"]]) {
      expect(() => write({ "content-length": value })).toThrow(
        expect.objectContaining({ code: "BAD_RESPONSE_LENGTH" }) as ResponseError,
      );
    }
  });

  test("does not send the fields of the connection", () => {
    const fields = {
      Connection: "close",
      "Keep-Alive": "1",
      "proxy-connection": "x",
      "Transfer-Encoding": "gzip",
      Upgrade: "h2c",
    };
    expect(write({ a: "1", ...fields })).toBe("HTTP/1.1 200 OK\r\na: 1\r\n\r\n");
  });

  test("is the same whether or not it repeats the last one", () => {
    const one = new HeadWriter();
    const heads: [number, Readonly<Record<string, string>> | undefined, string, string][] = [
      [200, { a: "1", b: "2" }, "Date: x\r\n", "Content-Length: 1\r\n"],
      [200, { a: "1", b: "2" }, "Date: x\r\n", "Content-Length: 1\r\n"],
      [200, { a: "1", b: "2" }, "Date: y\r\n", "Content-Length: 1\r\n"],
      [200, { a: "1", b: "2" }, "Date: y\r\n", "Content-Length: 2\r\n"],
      [201, { a: "1", b: "2" }, "Date: y\r\n", "Content-Length: 2\r\n"],
      [201, { b: "2", a: "1" }, "", ""],
      [201, { b: "2" }, "", ""],
      [201, { b: "2", a: "1" }, "", ""],
      [201, {}, "", ""],
      [201, undefined, "", ""],
      [201, { connection: "close", "content-length": "5" }, "", ""],
      [201, { connection: "close", "content-length": "5" }, "", ""],
      [201, {}, "", ""],
    ];
    for (const [status, fields, date, framing] of [...heads, ...heads.toReversed()]) {
      const fresh = new HeadWriter();
      one.begin(status, fields);
      fresh.begin(status, fields);
      expect([one.end(date, framing, ""), one.contentLength]).toEqual([
        fresh.end(date, framing, ""),
        fresh.contentLength,
      ]);
    }
  });

  test("is the same together with its content, whether or not both repeat the last ones", () => {
    const sayings = record({
      status: constantFrom(200, 404),
      fields: constantFrom(
        { a: "1" },
        { a: "2" },
        { a: "1", "content-length": "2" },
        { date: "now" },
        { a: ["1", "2"] },
        undefined,
      ),
      content: constantFrom("ok", "no"),
      date: constantFrom("Date: x\r\n", "Date: y\r\n"),
      connection: constantFrom("", "Connection: close\r\n"),
    });
    assert(
      property(array(sayings, { maxLength: 20 }), (said) => {
        const one = new HeadWriter();
        for (const { status, fields, content, date, connection } of said) {
          one.begin(status, fields);
          const again = one.again(content, date, connection);
          const fresh = new HeadWriter();
          fresh.begin(status, fields);
          const expected = fresh.end(date, "Content-Length: 2\r\n", connection) + content;
          expect(again ?? one.withContent(one.end(date, "Content-Length: 2\r\n", connection), content)).toBe(expected);
        }
      }),
    );
  });

  test("forgets a head that was refused", () => {
    const writer = new HeadWriter();
    writer.begin(200, { a: "1" });
    expect(() => writer.begin(200, { a: "1", b: "\n" })).toThrow();
    writer.begin(200, { a: "1" });
    expect(writer.end("", "", "")).toBe("HTTP/1.1 200 OK\r\na: 1\r\n\r\n");
  });

  test("keeps the order and the lines of its fields", () => {
    expect(write({ b: "1", "set-cookie": ["x=1", "y=2"], a: "\xe9" })).toBe(
      "HTTP/1.1 200 OK\r\nb: 1\r\nset-cookie: x=1\r\nset-cookie: y=2\r\na: \xe9\r\n\r\n",
    );
  });

  test("has an empty reason phrase, but its space, for a status that is not registered", () => {
    expect(statusLine(599)).toBe("HTTP/1.1 599 \r\n");
    expect(() => statusLine(600)).toThrow(expect.objectContaining({ code: "BAD_STATUS" }) as ResponseError);
    expect(() => statusLine(200.5)).toThrow(expect.objectContaining({ code: "BAD_STATUS" }) as ResponseError);
  });
});
