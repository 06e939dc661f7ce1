import type { Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { describe, expect, test } from "vitest";
import { readHandshake } from "./handshake.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const FIELDS = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": KEY,
  "sec-websocket-version": "13",
};

function read(fields: Record<string, string>, request: Partial<IncomingRequest> = {}, protocol = "1.1") {
  const headers = toHeaderView({ ...FIELDS, ...fields });
  // What it reads of both.
  return readHandshake({ method: "GET", headers, body: null, ...request } as IncomingRequest, { protocol } as Exchange);
}

describe("a handshake", () => {
  test.each<[string, Record<string, string>, readonly string[]]>([
    ["as short as can be", {}, []],
    ["of a browser that keeps the connection", { connection: "keep-alive, Upgrade" }, []],
    ["in capitals, beside other protocols", { upgrade: "h2c, WebSocket" }, []],
    ["that offers subprotocols", { "sec-websocket-protocol": "chat.v2, chat.v1,," }, ["chat.v2", "chat.v1"]],
  ])("%s is one", (_what, fields, protocols) => {
    expect(read(fields)).toEqual({ key: KEY, protocols });
  });

  test.each<[string, Record<string, string>]>([
    ["without Connection", { connection: "keep-alive" }],
    ["for another protocol", { upgrade: "h2c" }],
    ["with a key of another length", { "sec-websocket-key": "c2hvcnQ=" }],
    ["with a key that is no base64", { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZ*==" }],
    ["with a subprotocol that has a space", { "sec-websocket-protocol": "chat v1" }],
    ["with a subprotocol in quotes", { "sec-websocket-protocol": 'chat, "v1"' }],
    ["that offers one subprotocol twice", { "sec-websocket-protocol": "chat, v1, chat" }],
  ])("%s is none", (_what, fields) => {
    expect(read(fields)).toBeNull();
  });

  test.each(["8", "14", "13, 8", ""])('of the version "%s" is one that the server does not support', (version) => {
    expect(read({ "sec-websocket-version": version })).toBe("unsupported-version");
  });

  test("is a GET of HTTP/1.1 without content", () => {
    const body = ReadableStream.from<Uint8Array>([]);
    expect([read({}, { method: "POST" }), read({}, {}, "1.0"), read({}, { body })] as unknown[]).toEqual([
      null,
      null,
      null,
    ]);
  });
});
