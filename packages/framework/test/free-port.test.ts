import { expect, test } from "vitest";
import { freePorts } from "./free-port.ts";

test("no two calls give the same port", async () => {
  const calls = Array.from({ length: 20 }, () => freePorts(10));
  const ports = (await Promise.all(calls)).flat();
  expect(new Set(ports).size).toBe(200);
});
