/** Trailers of a chunked request: limited in number and bytes, and none for framing, routing or authentication. */
import { describe, expect, test } from "vitest";
import { RequestParser } from "../src/http1/index.ts";
import { transcript } from "./wire-cases.ts";

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const LIMITS = { maxHeadBytes: 100, maxTargetBytes: 50, maxFields: 20 };

function lastLine(trailers: string): string {
  const bytes = Buffer.from(`${HEAD}0\r\n${trailers}\r\n`);
  const whole = transcript([bytes], new RequestParser(LIMITS)).at(-1) ?? "";
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  expect(transcript(single, new RequestParser(LIMITS)).at(-1)).toBe(whole);
  return whole;
}

describe("trailers", () => {
  test("may be as many as fields", () => {
    expect(lastLine("x:\r\n".repeat(20))).toMatch(/^end x:/);
    expect(lastLine("x:\r\n".repeat(21))).toBe("refused 431 TRAILERS_TOO_LARGE");
  });

  test("may be as long as a head in total", () => {
    const line = `x: ${"y".repeat(20)}\r\n`;
    expect(line).toHaveLength(25);
    expect(lastLine(line.repeat(3))).toMatch(/^end x:/);
    expect(lastLine(line.repeat(5))).toBe("refused 431 TRAILERS_TOO_LARGE");
  });

  test.each([
    "Authorization",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Expect",
    "Host",
    "Keep-Alive",
    "Proxy-Authorization",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
  ])("are refused where one is called %s", (name) => {
    expect(lastLine(`x: y\r\n${name}: 1\r\n`)).toBe("refused 400 BAD_TRAILER");
  });
});
