import { expect, test } from "vitest";
import { closestName } from "./closest-name.ts";

const KNOWN = ["--port", "--path", "--hostname", "--max-body-bytes", "--fd", "--tls-self-signed"];

test.each([
  ["--prot", "--port"],
  ["--prt", "--port"],
  ["--ports", "--port"],
  ["--host-name", "--hostname"],
  ["--hostnaem", "--hostname"],
  ["--host", "--hostname"],
  ["--maxBodyBytes", "--max-body-bytes"],
  ["--MAX_BODY_BYTE", "--max-body-bytes"],
  ["--self-signed", "--tls-self-signed"],
])("%s probably stands for %s", (given, known) => {
  expect(closestName(given, KNOWN)).toBe(known);
});

test.each(["--workers", "--x", "--pirate", ""])("nothing is close to %j", (given) => {
  expect(closestName(given, KNOWN)).toBeNull();
});

test("without parts, a name that contains another one is not close to it", () => {
  expect(closestName("--portal-url", KNOWN, false)).toBeNull();
  expect(closestName("--prot", KNOWN, false)).toBe("--port");
});
