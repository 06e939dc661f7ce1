import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNode } from "@tsgi/gateway-spec/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { describeWithChromium } from "../../../scripts/lib/chromium.ts";
import { App } from "../src/app.ts";
import { docs } from "../src/openapi/index.ts";

describeWithChromium("the documentation page in Chromium", (visit) => {
  const app = new App();
  app.get(
    "/api/add/:a<int>",
    { query: { b: z.coerce.number() }, response: z.object({ sum: z.number() }), summary: "Adds" },
    (context) => ({
      sum: context.params.a + context.query.b,
    }),
  );
  docs(app, { title: "Sums", version: "1.0.0" });
  const server = createServer(toNode(app));
  let url: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.close();
  });

  test("shows an operation and tries it, under the default policy and without a request to another site", async () => {
    await using window = await visit(url);
    const { page } = window;
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) foreign.push(request.url());
    });
    const response = await page.goto("/docs");
    expect(response?.headers()["content-security-policy"]).toContain("script-src 'self'");
    await page.getByText("/api/add/{a}").click();
    await page.getByRole("button", { name: "Try it out" }).click();
    await page.getByPlaceholder("a", { exact: true }).fill("40");
    await page.getByPlaceholder("b", { exact: true }).fill("2");
    await page.getByRole("button", { name: "Execute" }).click();
    await page.locator(".live-responses-table").getByText('"sum": 42').waitFor();
    expect(foreign).toEqual([]);
    // Chromium asks for a favicon by itself.
    expect(window.complaints.filter((text) => !text.includes("404"))).toEqual([]);
  });
});
