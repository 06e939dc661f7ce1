/** The lint in a test: a violation of SPEC.md fails the test, and the message names the rule. */
import type { Handler } from "@tsgi/gateway-spec";
import { lint } from "@tsgi/gateway-spec/lint";
import { createTestClient } from "@tsgi/gateway-spec/testing";
import { expect, test } from "vitest";

const careful: Handler = (request) => ({ status: 200, body: `Hello ${request.headers.get("user-agent")}` });
const careless: Handler = (request) => ({ status: 200, body: `Hello ${request.headers.get("User-Agent")}` });

test("an application that follows the rules passes", async () => {
  await using client = await createTestClient(lint(careful));
  const response = await client.request("/", { headers: { "user-agent": "curl" } });
  expect(response.text()).toBe("Hello curl");
});

test("the message of a violation names the rule", async () => {
  await using client = await createTestClient(lint(careless));
  await expect(client.request("/")).rejects.toThrow("TSGI-6");
});
