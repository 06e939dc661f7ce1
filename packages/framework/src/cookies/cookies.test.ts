import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { describe, expect, test } from "vitest";
import { createSealer, createSigner, expireCookie, readCookies, writeCookie } from "./index.ts";

const KEY = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";

describe("readCookies", () => {
  test.each([
    ["decodes percent-encoding", "a=1; note=%E6%B6%A8", { a: "1", note: "涨" }],
    ["keeps a value that is no valid percent-encoding as it is", "a=%E6%", { a: "%E6%" }],
    ["takes the first of two cookies with one name", "a=1; a=2", { a: "1" }],
    [
      "keeps a cookie named like a member of Object.prototype",
      "constructor=y; toString=z",
      { constructor: "y", toString: "z" },
    ],
    ["joins what several lines of Cookie bring", "a=1; b=2", { a: "1", b: "2" }],
  ])("%s", (_title, field, expected) => {
    const cookies = readCookies({ headers: toHeaderView([["cookie", field]]) });
    expect(Object.fromEntries(cookies)).toEqual(expected);
  });

  test("gives an empty map for a request without Cookie", () => {
    expect(readCookies({ headers: toHeaderView([]) }).size).toBe(0);
  });
});

describe("writeCookie", () => {
  test("sets HttpOnly, Secure, SameSite=Lax and Path=/ by default", () => {
    expect(writeCookie("a", "b c;ü")).toBe("a=b%20c%3B%C3%BC; Path=/; HttpOnly; Secure; SameSite=Lax");
  });

  test("writes every option", () => {
    const options = {
      maxAgeSeconds: 60,
      path: "/x",
      domain: "example.com",
      httpOnly: false,
      sameSite: "strict",
    } as const;
    const field = writeCookie("a", "b", options);
    expect(field.split("; ").toSorted()).toEqual(
      ["a=b", "Max-Age=60", "Domain=example.com", "Path=/x", "Secure", "SameSite=Strict"].toSorted(),
    );
  });

  test.each([
    ["__Host-a", { secure: false }, /needs secure: true/],
    ["__Host-a", { path: "/x" }, /must have the path "\/" and no domain/],
    ["__Host-a", { domain: "example.com" }, /must have the path "\/" and no domain/],
    ["__Secure-a", { secure: false }, /needs secure: true/],
    ["a", { sameSite: "none", secure: false }, /needs secure: true/],
    ["a", { partitioned: true, secure: false }, /needs secure: true/],
    ["a", { maxAgeSeconds: 0.5 }, /needs a whole number as maxAgeSeconds, not 0\.5/],
    ["a", { maxAgeSeconds: Number.NaN }, /not NaN/],
    ["a b", {}, /name/i],
    ["a", { path: "/;x" }, /path/i],
  ] as const)("rejects the cookie %s with %o, which a browser would drop", (name, options, message) => {
    expect(() => writeCookie(name, "x", options)).toThrow(message);
  });

  test("a value with line breaks cannot add a field", () => {
    expect(writeCookie("a", "x\r\nset-cookie: b=1")).not.toMatch(/[\r\n]/);
  });

  test("expireCookie sets Max-Age=0 with the same path", () => {
    expect(expireCookie("a", { path: "/x" })).toMatch(/^a=; .*Max-Age=0.*Path=\/x|^a=; Max-Age=0; Path=\/x/);
  });
});

describe.each([
  [
    "createSigner",
    (keys: readonly [string, ...string[]], purpose: string) => {
      const { sign, verify } = createSigner(keys, purpose);
      return { write: sign, read: verify };
    },
  ],
  [
    "createSealer",
    (keys: readonly [string, ...string[]], purpose: string) => {
      const { seal, unseal } = createSealer(keys, purpose);
      return { write: seal, read: unseal };
    },
  ],
])("%s", (_name, create) => {
  test.each(["", "plain", "with.dots.in.it", "涨跌 🙂", "x".repeat(5000)])("reads back the %#th value", (value) => {
    const { write, read } = create([KEY], "session");
    expect(read(write(value))).toBe(value);
  });

  test("rejects every text that differs in one character", () => {
    const { write, read } = create([KEY], "session");
    const text = write("user=7");
    for (let i = 0; i < text.length; i++) {
      const changed = text.slice(0, i) + (text[i] === "A" ? "B" : "A") + text.slice(i + 1);
      // The last character of base64url may hold bits that no byte takes.
      if (Buffer.from(changed, "base64url").equals(Buffer.from(text, "base64url")) && i === text.length - 1) continue;
      expect(read(changed), changed).toBeNull();
    }
  });

  test.each(["", ".", "a", "a.b", "=====", "涨"])("rejects the foreign text %j", (text) => {
    expect(create([KEY], "session").read(text)).toBeNull();
  });

  test("a new key in front still reads what the old key wrote, and writes with the new one", () => {
    const old = create([OTHER], "session").write("x");
    const rotated = create([KEY, OTHER], "session");
    expect(rotated.read(old)).toBe("x");
    expect(create([KEY], "session").read(rotated.write("y"))).toBe("y");
    expect(create([OTHER], "session").read(rotated.write("y"))).toBeNull();
  });

  test("what was written for one purpose is not valid for another", () => {
    expect(create([KEY], "flash").read(create([KEY], "session").write("x"))).toBeNull();
  });

  test("a short key is a TypeError that says how to create one", () => {
    expect(() => create(["secret"], "session")).toThrow(/6 characters and needs at least 32: create one with/);
  });
});

test("sealed text does not show the value", () => {
  expect(createSealer([KEY], "session").seal("user=7")).not.toContain(
    Buffer.from("user").toString("base64url").slice(0, 5),
  );
});
