import type { Handler, OutgoingResponse } from "@tsgi/gateway-spec";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { App } from "../app.ts";
import { route } from "../route.ts";
import {
  basic,
  bearer,
  cors,
  cspNonce,
  csrfProtection,
  equalSecrets,
  hashPassword,
  securityHeaders,
  verifyPassword,
} from "./index.ts";
import type { CorsOptions, CsrfOptions, SecurityHeaderOptions } from "./index.ts";

const ok: Handler = () => ({ status: 200, headers: { "content-type": "text/plain" }, body: "ok" });

describe("csrfProtection", () => {
  async function post(
    headers: Readonly<Record<string, string>>,
    options?: CsrfOptions,
    method = "POST",
  ): Promise<number> {
    const app = new App({ security: false });
    app.use(csrfProtection(options));
    app.on(route(`${method} /`), () => ({ done: true }));
    await using client = await createTestClient(app);
    return (await client.request("http://shop.example:8080/", { method, headers })).status;
  }

  test.each([
    ["a request of the same origin", { "sec-fetch-site": "same-origin" }, 200],
    ["a request that the user made in the address bar", { "sec-fetch-site": "none" }, 200],
    ["a request from another subdomain", { "sec-fetch-site": "same-site" }, 403],
    ["a request from another site", { "sec-fetch-site": "cross-site" }, 403],
    [
      "a cross-site request whose Origin claims to be ours",
      { "sec-fetch-site": "cross-site", origin: "http://shop.example:8080" },
      403,
    ],
    ["our Origin from a browser without Fetch Metadata", { origin: "http://shop.example:8080" }, 200],
    ["our Origin with https, seen behind a proxy that ends TLS", { origin: "https://shop.example:8080" }, 200],
    ["another Origin", { origin: "http://evil.example" }, 403],
    ["our host on another port", { origin: "http://shop.example:9090" }, 403],
    ["the Origin null of a sandboxed page", { origin: "null" }, 403],
    ["a Referer of ours from an old browser", { referer: "http://shop.example:8080/page" }, 200],
    ["a Referer of another site", { referer: "http://evil.example/page" }, 403],
    ["a request of a program that is no browser", {}, 200],
  ])("%s gets the status expected", async (_title, headers, status) => {
    expect(await post(headers)).toBe(status);
  });

  test("middleware that responds itself does not get a request that the application's own check rejects", async () => {
    const app = new App();
    let calls = 0;
    app.use((next) => (request, exchange) => {
      calls++;
      return request.method === "POST" ? { status: 204 } : next(request, exchange);
    });
    await using client = await createTestClient(app);
    const post = (site: string) => client.request("/", { method: "POST", headers: { "sec-fetch-site": site } });
    expect((await post("cross-site")).status).toBe(403);
    expect(calls).toBe(0);
    expect((await post("same-origin")).status).toBe(204);
  });

  test("the 403 of the application's own check carries the CORS fields, and onError sees it", async () => {
    const seen: unknown[] = [];
    const app = new App({ onError: (error) => void seen.push(error) });
    app.use((next) => (request, exchange) => next(request, exchange));
    app.use(cors({ origins: ["https://shop.example"] }));
    app.post("/", () => ({ done: true }));
    await using client = await createTestClient(app);
    const headers = { origin: "https://shop.example", "sec-fetch-site": "cross-site" };
    const response = await client.request("https://api.example/", { method: "POST", headers });
    expect(response.status).toBe(403);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(await response.json()).toMatchObject({ code: "CROSS_SITE_REQUEST" });
    expect(seen).toMatchObject([{ status: 403, code: "CROSS_SITE_REQUEST" }]);
  });

  test("a trusted origin passes, with and without Fetch Metadata", async () => {
    const options = { trustedOrigins: ["https://admin.example"] };
    expect(await post({ origin: "https://admin.example", "sec-fetch-site": "cross-site" }, options)).toBe(200);
    expect(await post({ origin: "https://admin.example" }, options)).toBe(200);
    expect(await post({ origin: "https://other.example" }, options)).toBe(403);
  });

  test.each(["PUT", "PATCH", "DELETE", "POST"])("checks the unsafe method %s", async (method) => {
    expect(await post({ "sec-fetch-site": "cross-site" }, {}, method)).toBe(403);
  });

  test("does not check GET", async () => {
    expect(await post({ "sec-fetch-site": "cross-site" }, {}, "GET")).toBe(200);
  });

  test.each(["example.com", "https://example.com/path", "null", ""])("rejects %j as a trusted origin", (origin) => {
    expect(() => csrfProtection({ trustedOrigins: [origin] })).toThrow(
      /is not an origin: write scheme, host and port only/,
    );
  });
});

describe("securityHeaders", () => {
  async function get(
    handler: Handler,
    options?: SecurityHeaderOptions,
    url = "http://test.localhost/",
    encrypted = false,
  ) {
    await using client = await createTestClient(securityHeaders(options)(handler));
    return (await client.request(url, { exchange: { encrypted } })).headers;
  }
  const page = (body = "<p>"): OutgoingResponse => ({
    status: 200,
    headers: { "content-type": "text/html; charset=utf-8" },
    body,
  });

  test("adds only nosniff to a response that is no page", async () => {
    const headers = await get(ok);
    expect([...headers].map(([name]) => name).toSorted()).toEqual(["content-type", "x-content-type-options"]);
  });

  test("gives a page a policy that allows this site only", async () => {
    const headers = await get(() => page());
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; " +
        "form-action 'self'; frame-ancestors 'none'",
    );
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("strict-origin-when-cross-origin");
  });

  test("names the nonce in the policy of a page that asked for one, another for each request", async () => {
    const handler: Handler = (_request, exchange) => page(cspNonce(exchange));
    await using client = await createTestClient(securityHeaders()(handler));
    const [first, second] = [await client.request("/"), await client.request("/")];
    expect(first.headers.get("content-security-policy")).toContain(`script-src 'self' 'nonce-${first.text()}'`);
    expect(first.text()).not.toBe(second.text());
  });

  test("keeps fields that the handler has set", async () => {
    const own = {
      "content-type": "text/html",
      "Content-Security-Policy": "default-src *",
      "x-frame-options": "SAMEORIGIN",
    };
    const headers = await get(() => ({ status: 200, headers: own, body: "" }));
    expect(headers.get("content-security-policy")).toBe("default-src *");
    expect(headers.get("x-frame-options")).toBe("SAMEORIGIN");
  });

  test("takes changed, dropped and added directives", async () => {
    const contentSecurityPolicy = { "img-src": "*", "form-action": null, "upgrade-insecure-requests": "" };
    const policy = (await get(() => page(), { contentSecurityPolicy })).get("content-security-policy");
    expect(policy).toContain("img-src *;");
    expect(policy).not.toContain("form-action");
    expect(policy).toMatch(/; upgrade-insecure-requests$/);
  });

  test.each([
    ["http://shop.example/", false, null],
    ["https://shop.example/", true, "max-age=31536000; includeSubDomains"],
    ["https://localhost/", true, null],
    ["https://127.0.0.1/", true, null],
    ["https://[::1]/", true, null],
  ])("sends for %s (encrypted: %s) the Strict-Transport-Security %j", async (url, encrypted, expected) => {
    expect((await get(ok, {}, url, encrypted)).get("strict-transport-security")).toBe(expected);
  });

  test("keeps the status, body and trailers of a web Response", async () => {
    await using client = await createTestClient(
      securityHeaders()(() => new Response("<p>", { status: 201, headers: { "content-type": "text/html" } })),
    );
    const response = await client.request("/");
    expect([response.status, response.text(), response.headers.has("content-security-policy")]).toEqual([
      201,
      "<p>",
      true,
    ]);
  });
});

describe("cors", () => {
  async function call(options: CorsOptions, method: string, headers: Readonly<Record<string, string>>) {
    await using client = await createTestClient(cors(options)(ok));
    return client.request("/", { method, headers });
  }

  test("lets a listed origin read the response, and says that it varies", async () => {
    const { headers } = await call({ origins: ["https://a.example"], exposeHeaders: ["x-total"] }, "GET", {
      origin: "https://a.example",
    });
    expect(headers.get("access-control-allow-origin")).toBe("https://a.example");
    expect(headers.get("access-control-expose-headers")).toBe("x-total");
    expect(headers.get("vary")).toBe("Origin");
  });

  test.each([[{ origin: "https://b.example" }], [{}]])(
    "gives the request with %o no sharing fields, but Vary",
    async (given) => {
      const { headers } = await call({ origins: ["https://a.example"] }, "GET", given);
      expect(headers.get("access-control-allow-origin")).toBeNull();
      expect(headers.get("vary")).toBe("Origin");
    },
  );

  test("responds to a preflight without calling the handler", async () => {
    const { status, headers } = await call({ origins: ["https://a.example"], credentials: true }, "OPTIONS", {
      origin: "https://a.example",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "content-type",
    });
    expect(status).toBe(204);
    expect(headers.get("access-control-allow-methods")).toBe("PUT");
    expect(headers.get("access-control-allow-headers")).toBe("content-type");
    expect(headers.get("access-control-allow-credentials")).toBe("true");
    expect(headers.get("access-control-max-age")).toBe("600");
  });

  test("a preflight of another origin gets no permission", async () => {
    const { headers } = await call({ origins: ["https://a.example"] }, "OPTIONS", {
      origin: "https://b.example",
      "access-control-request-method": "PUT",
    });
    expect([...headers].map(([name]) => name)).toEqual(["vary"]);
  });

  test("an OPTIONS request that is no preflight reaches the handler", async () => {
    expect((await call({ origins: "*" }, "OPTIONS", {})).text()).toBe("ok");
  });

  test("every origin with credentials is a TypeError", () => {
    expect(() => cors({ origins: "*", credentials: true })).toThrow(/does not go with credentials/);
  });

  test.each(["https://a.example/", "capacitor://localhost"])(
    "takes the origin %j as a browser sends it",
    async (origin) => {
      const { headers } = await call({ origins: [origin] }, "GET", { origin: origin.replace(/\/$/, "") });
      expect(headers.get("access-control-allow-origin")).toBe(origin.replace(/\/$/, ""));
    },
  );

  test.each(["a.example", "https://a.example/page", "https://A.example", "null", ""])(
    "refuses the option %j, which is no origin",
    (origin) => {
      expect(() => cors({ origins: [origin] })).toThrow(/is not an origin: write scheme, host and port only/);
    },
  );
});

describe("passwords", () => {
  test("a hash verifies its own password only, and holds its parameters and a salt of its own", async () => {
    const [hash, again] = await Promise.all([hashPassword("涨停 pässword"), hashPassword("涨停 pässword")]);
    expect(hash).toMatch(/^\$scrypt\$ln=16,r=8,p=2\$/);
    expect(hash).not.toBe(again);
    expect(await verifyPassword("涨停 pässword", hash)).toBe(true);
    // The same letters in another normalization form.
    expect(await verifyPassword("涨停 pässword".normalize("NFD"), hash)).toBe(true);
    expect(await verifyPassword("涨停 password", hash)).toBe(false);
  });

  test("without a stored hash no password is valid", async () => {
    expect(await verifyPassword("x", null)).toBe(false);
  });

  test("a password of more than 1,024 bytes is not hashed", async () => {
    await expect(hashPassword("x".repeat(1025))).rejects.toThrow(/at most 1024 bytes/);
    expect(await verifyPassword("x".repeat(1025), null)).toBe(false);
  });

  test("a stored text in another format is a TypeError that does not show it", async () => {
    await expect(verifyPassword("x", "plain-secret")).rejects.toThrow(
      /^(?!.*plain-secret).*not in the format of hashPassword/,
    );
  });
});

describe("Authorization", () => {
  const context = (authorization?: string) => ({
    request: new Request("http://test.localhost/", { headers: authorization === undefined ? {} : { authorization } }),
    exchange: { remoteAddress: null },
  });
  const byToken = bearer((token) => (equalSecrets(token, "t0ken") ? { id: 1 } : null));
  const byName = basic(({ name, password }) => (name === "ann" && password === "a:b ü" ? { name } : null));
  const encoded = (text: string) => Buffer.from(text).toString("base64");

  test.each([["Bearer t0ken"], ["bearer   t0ken"]])("a need of bearer() accepts %j", async (field) => {
    expect(await byToken(context(field))).toEqual({ id: 1 });
  });

  test.each([
    [undefined, "TOKEN_REQUIRED", 'Bearer realm="api"'],
    ["Basic dDBrZW4=", "TOKEN_REQUIRED", 'Bearer realm="api"'],
    ["Bearer t0ken extra", "TOKEN_REQUIRED", 'Bearer realm="api"'],
    ["Bearer other", "TOKEN_INVALID", 'Bearer realm="api", error="invalid_token"'],
  ])("a need of bearer() rejects %j with 401 %s", async (field, code, challenge) => {
    const expected = { status: 401, code, headers: { "www-authenticate": challenge } };
    await expect(byToken(context(field))).rejects.toMatchObject(expected);
  });

  test("a need of basic() takes everything behind the first colon as the password", async () => {
    expect(await byName(context(`Basic ${encoded("ann:a:b ü")}`))).toEqual({ name: "ann" });
  });

  test.each([[undefined], ["Basic %%%"], [`Basic ${encoded("no colon")}`], [`Basic ${encoded("ann:wrong")}`]])(
    "a need of basic() rejects %j with 401 and a challenge",
    async (field) => {
      const headers = { "www-authenticate": 'Basic realm="site", charset="UTF-8"' };
      await expect(byName(context(field))).rejects.toMatchObject({ status: 401, code: "LOGIN_REQUIRED", headers });
    },
  );

  test("a need of basic() limits the wrong passwords of an account", async () => {
    const wrong = () => basic(() => null);
    const need = wrong();
    const credentials = context(`Basic ${encoded("ann:wrong")}`);
    for (let i = 0; i < 10; i++) await expect(need(credentials)).rejects.toMatchObject({ status: 401 });
    await expect(need(credentials)).rejects.toMatchObject({ status: 429, code: "RATE_LIMITED" });
    await expect(wrong()(credentials)).rejects.toMatchObject({ status: 401 });
  });
});
