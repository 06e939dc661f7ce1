import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { html } from "./html.ts";
import { reply, Reply, respond, toResponse } from "./results.ts";

const NO_SNIFF = { "x-content-type-options": "nosniff" };
const JSON_TYPE = { "content-type": "application/json", ...NO_SNIFF };
const TEXT_TYPE = { "content-type": "text/plain; charset=utf-8", ...NO_SNIFF };

class ForeignResponse {
  readonly status = 200;
  readonly [Symbol.toStringTag] = "Response";
}

/** Its members in a plain object, for comparison. */
function plain({ status, headers, body }: OutgoingResponse): object {
  return { status, headers, body };
}

describe("a handler's result", () => {
  test.each<readonly [title: string, result: unknown, response: object]>([
    ["a string is plain text", "<b>", { status: 200, headers: TEXT_TYPE, body: "<b>" }],
    ["an empty string is plain text", "", { status: 200, headers: TEXT_TYPE, body: "" }],
    [
      "an html tag is HTML",
      html`<b>${"<"}</b>`,
      { status: 200, headers: { "content-type": "text/html; charset=utf-8", ...NO_SNIFF }, body: "<b>&lt;</b>" },
    ],
    ["an object is JSON", { a: 1, b: undefined }, { status: 200, headers: JSON_TYPE, body: '{"a":1}' }],
    ["an array is JSON", [1, null], { status: 200, headers: JSON_TYPE, body: "[1,null]" }],
    ["a Date is JSON", new Date(0), { status: 200, headers: JSON_TYPE, body: '"1970-01-01T00:00:00.000Z"' }],
    [
      "an object of a class is JSON",
      new (class {
        a = 1;
      })(),
      { status: 200, headers: JSON_TYPE, body: '{"a":1}' },
    ],
    [
      "an object without a prototype is JSON",
      Object.assign(Object.create(null), { a: 1 }),
      { status: 200, headers: JSON_TYPE, body: '{"a":1}' },
    ],
    [
      "an object with toJSON is what that returns",
      new URL("http://a/"),
      { status: 200, headers: JSON_TYPE, body: '"http://a/"' },
    ],
    ["null is no content", null, { status: 204, headers: {}, body: null }],
  ])("%s", (_title, result, response) => {
    expect(plain(toResponse(result))).toEqual(response);
  });

  test.each<object>([
    { status: 200, headers: { "content-type": "text/html", "set-cookie": "sid=evil" }, body: "<script>" },
    { status: 404 },
    { status: 101, headers: {} },
    { status: 200, headers: {}, body: "x", "#reply": true },
    { status: 200, body: "x", [Symbol.toStringTag]: "Response" },
    JSON.parse('{"status":200,"body":"x","__proto__":{"status":200}}') as object,
  ])("that only looks like a response is data: %j", (result) => {
    const response = toResponse(result);
    expect(plain(response)).toEqual({ status: 200, headers: JSON_TYPE, body: JSON.stringify(result) });
  });

  test.each<readonly [string, OutgoingResponse]>([
    ["reply", reply("x")],
    ["respond", respond({ status: 101 })],
    ["a web Response", new Response("x", { status: 201 })],
    ["the Response of another library", new ForeignResponse()],
  ])("of %s is sent as it is", (_title, response) => {
    expect(toResponse(response)).toBe(response);
  });

  test.each<readonly [unknown, string]>([
    [undefined, "undefined"],
    [7, "a number. It may return"],
    [true, "a boolean. It may return"],
    [1n, "a bigint. It may return"],
    [Symbol("x"), "a symbol. It may return"],
    [() => "x", "a function. It may return"],
    [new Uint8Array(1), "bytes"],
    [Buffer.from("x"), "bytes"],
    [new ArrayBuffer(1), "bytes"],
    [new SharedArrayBuffer(1), "bytes"],
    [new ReadableStream(), "a stream"],
    [(async function* () {})(), "a stream"],
    [(function* () {})(), "a "],
    [[1].values(), "a "],
    [new Map([[1, 2]]), "a Map"],
    [new Set([1]), "a Set"],
    [new WeakMap(), "a WeakMap"],
    [new Error("x"), "an Error"],
    [new Blob(["x"]), "a Blob"],
    [new FormData(), "a FormData"],
    [new Headers(), "a Headers"],
    [new URLSearchParams("a=1"), "a URLSearchParams"],
    [/x/, "a RegExp"],
    [{ rows: [{ at: new Map() }] }, 'a Map (write Object.fromEntries(…) or an array) at "rows[0].at"'],
    [{ title: html`<b>x</b>` }, 'HTML (write String(value), or html`${…}` around an array) at "title"'],
    [[html`<li>1</li>`], 'HTML (write String(value), or html`${…}` around an array) at "[0]"'],
    [{ user: Promise.resolve(1) }, 'a promise (await it) at "user"'],
    [{ price: Number.NaN }, 'NaN at "price"'],
    [[Number.POSITIVE_INFINITY], 'Infinity at "[0]"'],
    [{ id: 1n }, 'a bigint (write String(value)) at "id"'],
    [{ run() {} }, 'a function at "run"'],
    [{ cause: new Error("x") }, 'an Error (throw it) at "cause"'],
  ])("that JSON cannot hold is an error: %s", (result, reason) => {
    expect(() => toResponse(result)).toThrow(`A handler returned ${reason}`);
  });

  test("that is cyclic is an error", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    expect(() => toResponse(cyclic)).toThrow(/circular/i);
  });
});

describe("reply", () => {
  test("sets the status, adds header fields and keeps a content type that is given", () => {
    const created = reply("a", { status: 201, headers: { location: "/a", "set-cookie": ["a=1", "b=2"] } });
    expect(plain(created)).toEqual({
      status: 201,
      headers: [
        ["content-type", "text/plain; charset=utf-8"],
        ["x-content-type-options", "nosniff"],
        ["location", "/a"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
      body: "a",
    });
    expect(reply("a,b", { headers: { "Content-Type": "text/csv" } }).headers).toEqual([
      ["x-content-type-options", "nosniff"],
      ["Content-Type", "text/csv"],
    ]);
    expect(plain(reply(null, { headers: { etag: '"1"' } }))).toMatchObject({ status: 204, body: null });
  });

  test("refuses a response, which is complete", () => {
    expect(() => reply(new Response("x"))).toThrow("A handler returned a response");
    expect(reply("x")).toBeInstanceOf(Reply);
  });
});
