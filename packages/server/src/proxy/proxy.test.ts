import type { Address, Handler, Serve, ServeOptions } from "@tsgi/gateway-spec";
import { describe, expect, test } from "vitest";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { serve as serveNode } from "../node-http/index.ts";
import { serve as serveSocket } from "../socket/index.ts";
import { behindProxies, type ProxyOptions } from "./behind-proxies.ts";
import { forwardedElements } from "./forwarded.ts";
import { findClient } from "./trust.ts";

const PEER: Address = { transport: "tcp", hostname: "10.0.0.1", port: 40_000 };

describe("X-Forwarded-For, -Proto and -Host", () => {
  test.each([
    [{}, []],
    [{ "x-forwarded-for": "192.0.2.1" }, [["192.0.2.1", null, null]]],
    [
      { "x-forwarded-for": "192.0.2.1, 10.0.0.2", "x-forwarded-proto": "https", "x-forwarded-host": "a.example:8443" },
      [
        ["192.0.2.1", "https", "a.example:8443"],
        ["10.0.0.2", "https", "a.example:8443"],
      ],
    ],
    [
      { "x-forwarded-for": "192.0.2.1,10.0.0.2", "x-forwarded-proto": "https, http" },
      [
        ["192.0.2.1", "https", null],
        ["10.0.0.2", "http", null],
      ],
    ],
    [{ "x-forwarded-proto": "https" }, [[null, "https", null]]],
    [{ "x-forwarded-for": "[2001:db8::1]:4711" }, [["2001:db8::1", null, null]]],
    [{ "x-forwarded-for": "2001:db8::1" }, [["2001:db8::1", null, null]]],
    [{ "x-forwarded-for": "192.0.2.1:4711" }, [["192.0.2.1", null, null]]],
    [{ "x-forwarded-for": "::ffff:192.0.2.1" }, [["192.0.2.1", null, null]]],
    [
      { "x-forwarded-for": "unknown, 300.1.1.1, 1.2.3.04, [.], [12], :::, <script>" },
      [
        [null, null, null],
        [null, null, null],
        [null, null, null],
        [null, null, null],
        [null, null, null],
        [null, null, null],
        [null, null, null],
      ],
    ],
    [{ "x-forwarded-proto": "javascript", "x-forwarded-host": "a b/@c" }, [[null, null, null]]],
  ])("of %o are read as %o", (fields, expected) => {
    const elements = forwardedElements(toHeaderView(fields), "x-forwarded");
    expect(elements.map(({ client, proto, host }) => [client, proto, host])).toEqual(expected);
  });
});

describe("Forwarded", () => {
  test.each([
    ["for=192.0.2.60;proto=http;by=203.0.113.43", [["192.0.2.60", "http", null]]],
    ['For="[2001:db8:cafe::17]:4711"', [["2001:db8:cafe::17", null, null]]],
    [
      "for=192.0.2.43, for=198.51.100.17;proto=https;host=example.com",
      [
        ["192.0.2.43", null, null],
        ["198.51.100.17", "https", "example.com"],
      ],
    ],
    ['for="_gazonk";host="a,b"', [[null, null, null]]],
    ["for=unknown", [[null, null, null]]],
    ["for=192.0.2.60:4711", [["192.0.2.60", null, null]]],
    [";for=192.0.2.60; proto=https;", [["192.0.2.60", "https", null]]],
    ['for=192.0.2.66;x=", for="[2001:db8::1]"', [[null, null, null]]],
    ['for=192.0.2.66;proto=https;x=", for="[2001:db8::1]", for=10.0.0.2', [[null, null, null]]],
    [String.raw`"\"\",for=192.0.2.66`, [[null, null, null]]],
    ["nonsense", [[null, null, null]]],
    ["", []],
  ])("%j is read as %o (RFC 7239 §4)", (field, expected) => {
    const elements = forwardedElements(toHeaderView({ forwarded: field }), "forwarded");
    expect(elements.map(({ client, proto, host }) => [client, proto, host])).toEqual(expected);
  });

  test("is not read where the proxies write the other fields, nor the other way round", () => {
    const both = toHeaderView({ forwarded: "for=192.0.2.66", "x-forwarded-for": "192.0.2.1" });
    expect(forwardedElements(both, "x-forwarded")[0]?.client).toBe("192.0.2.1");
    expect(forwardedElements(both, "forwarded")[0]?.client).toBe("192.0.2.66");
  });
});

describe("the client", () => {
  const elements = (field: string) => forwardedElements(toHeaderView({ "x-forwarded-for": field }), "x-forwarded");

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["1.2.3.4, 192.0.2.1", "192.0.2.1"],
    ["1.2.3.4, 192.0.2.1, 10.0.0.2", "192.0.2.1"],
    ["10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ["1.2.3.4, unknown, 10.0.0.2", "10.0.0.2"],
  ])("of X-Forwarded-For %j behind the network 10.0.0.0/8 is %s", (field, client) => {
    expect(findClient(["10.0.0.0/8"])(PEER, elements(field))?.client).toBe(client);
  });

  test.each([
    [1, "1.2.3.4, 192.0.2.1", "192.0.2.1"],
    [2, "1.2.3.4, 192.0.2.1, 10.0.0.2", "192.0.2.1"],
    [3, "192.0.2.1", "192.0.2.1"],
  ])("behind %i proxies with X-Forwarded-For %j is %s", (count, field, client) => {
    expect(findClient(count)(PEER, elements(field))?.client).toBe(client);
  });

  test("is the peer where the peer is no trusted proxy", () => {
    expect(findClient(["10.0.0.2"])(PEER, elements("192.0.2.1"))).toBeNull();
    expect(findClient(["2001:db8::/32"])(PEER, elements("192.0.2.1"))).toBeNull();
    expect(findClient(["10.0.0.0/8"])(null, elements("192.0.2.1"))).toBeNull();
  });

  test("is found behind a proxy on a Unix domain socket that is trusted by name", () => {
    const peer = null;
    expect(findClient(["unix"])(peer, elements("192.0.2.1"))?.client).toBe("192.0.2.1");
    expect(findClient(["10.0.0.0/8"])(peer, elements("192.0.2.1"))).toBeNull();
  });

  test.each(["10.0.0.0/33", "10.0.0", "example.com", "", "10.0.0.0/", "::1/129"])("%j is no proxy", (text) => {
    expect(() => findClient([text])).toThrow(/is neither an address nor a network; write 10\.0\.0\.1/);
  });

  test.each([0, -1, 1.5, Number.NaN])("%j is no number of proxies", (count) => {
    expect(() => findClient(count)).toThrow(/must be a whole number from 1/);
  });
});

interface ProxiedOptions extends ServeOptions {
  readonly proxies?: ProxyOptions;
}

describe.each([
  ["the socket server", serveSocket as Serve<ProxiedOptions>],
  ["the node server", serveNode as Serve<ProxiedOptions>],
])("%s", (_name, serve) => {
  const show: Handler = (request, { remoteAddress, peerAddress, encrypted }) => ({
    status: 200,
    body: JSON.stringify({
      url: request.url,
      remote: remoteAddress?.transport === "tcp" && remoteAddress.hostname,
      peer: peerAddress?.transport === "tcp" && peerAddress.hostname,
      encrypted,
    }),
  });
  const headers = { "x-forwarded-for": "192.0.2.1", "x-forwarded-proto": "https", "x-forwarded-host": "shop.example" };

  async function ask(options: ProxiedOptions): Promise<unknown> {
    await using server = await serve(show, options);
    return (await fetch(`${server.url}a?b`, { headers })).json();
  }

  test("gives the application the client's address, scheme and host behind a trusted proxy", async () => {
    expect(await ask({ proxies: { trusted: ["127.0.0.1"] } })).toEqual({
      url: "https://shop.example/a?b",
      remote: "192.0.2.1",
      peer: "127.0.0.1",
      encrypted: true,
    });
  });

  test.each([{}, { proxies: { trusted: ["10.0.0.0/8"] } }])(
    "ignores the fields of a client with the options %j",
    async (options) => {
      expect(await ask(options)).toEqual({
        url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/a\?b$/) as string,
        remote: "127.0.0.1",
        peer: "127.0.0.1",
        encrypted: false,
      });
    },
  );
});

test("the capabilities of the server stay, and those that it lacks stay absent", async () => {
  const seen: boolean[] = [];
  const handler: Handler = (request, exchange) => {
    seen.push("sendInformational" in exchange, "upgradeWebSocket" in exchange, request.trailers === undefined);
    return { status: 200 };
  };
  const app = behindProxies(handler, { trusted: 1 });
  const request = new Request("http://a.example/", { headers: { "x-forwarded-for": "192.0.2.1" } });
  await app.fetch(request, { peerAddress: PEER, sendInformational: () => undefined } as never);
  expect(seen).toEqual([true, false, true]);
});
