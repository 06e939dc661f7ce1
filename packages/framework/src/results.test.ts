import { describe, expect, test } from "vitest";
import { reply, toResponse } from "./results.ts";

describe("what a handler returns becomes", () => {
  const JSON_TYPE = { "content-type": "application/json" };

  test.each<readonly [unknown, object]>([
    ["<b>", { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "<b>" }],
    ["", { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "" }],
    [{ a: 1 }, { status: 200, headers: JSON_TYPE, body: '{"a":1}' }],
    [[1, null], { status: 200, headers: JSON_TYPE, body: "[1,null]" }],
    [new Date(0), { status: 200, headers: JSON_TYPE, body: '"1970-01-01T00:00:00.000Z"' }],
    [null, { status: 204, headers: {}, body: null }],
    // Data that has a status of its own is not a response.
    [{ status: "ok" }, { status: 200, headers: JSON_TYPE, body: '{"status":"ok"}' }],
    [
      { status: 1, body: "x" },
      { status: 200, headers: JSON_TYPE, body: '{"status":1,"body":"x"}' },
    ],
    [
      { status: 200, name: "x" },
      { status: 200, headers: JSON_TYPE, body: '{"status":200,"name":"x"}' },
    ],
  ])("%j: %j", (result, response) => {
    expect(toResponse(result)).toEqual(response);
  });

  test.each<object>([
    { status: 404 },
    { status: 101, headers: {} },
    { status: 200, headers: { a: "b" }, body: "x" },
    { status: 200, body: "x", trailers: () => ({}) },
    Object.assign(Object.create(null) as object, { status: 204 }),
    new Response("x", { status: 201 }),
  ])("itself, where it is a response: %j", (response) => {
    expect(toResponse(response)).toBe(response);
  });

  test.each<unknown>([
    undefined,
    7,
    true,
    1n,
    Symbol("x"),
    () => "x",
    new Uint8Array(1),
    new ArrayBuffer(1),
    new ReadableStream(),
    (async function* () {})(),
    { toJSON: () => undefined },
  ])("an error, where it is nothing that can be sent: %s", (result) => {
    expect(() => toResponse(result)).toThrow("A handler returned");
  });
});

describe("reply", () => {
  test("takes what looks like a response as data", () => {
    expect(reply({ status: 200 })).toMatchObject({ status: 200, body: '{"status":200}' });
  });

  test("sets the status, adds header fields and keeps a content type of its own", () => {
    expect(reply("a", { status: 201, headers: { location: "/a", "set-cookie": ["a=1", "b=2"] } })).toEqual({
      status: 201,
      headers: [
        ["content-type", "text/html; charset=utf-8"],
        ["location", "/a"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
      body: "a",
    });
    expect(reply("a,b", { headers: { "Content-Type": "text/csv" } }).headers).toEqual([["Content-Type", "text/csv"]]);
    expect(reply(null, { headers: { etag: '"1"' } })).toEqual({ status: 204, headers: { etag: '"1"' }, body: null });
  });
});
