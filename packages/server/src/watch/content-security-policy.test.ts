import { expect, test } from "vitest";
import { allowsReload } from "./content-security-policy.ts";

const PLAIN = { nonce: null };

test.each([
  ["no policy", null, PLAIN],
  ["this origin as the default", "default-src 'self'", PLAIN],
  ["this origin for scripts and for connections", "default-src 'none'; script-src 'self'; connect-src 'self'", PLAIN],
  ["any origin", "script-src *; connect-src *", PLAIN],
  ["a nonce for scripts, and any connection", "script-src 'nonce-a+/=_-9'", { nonce: "a+/=_-9" }],
  ["a nonce that makes hosts void", "script-src 'self' 'strict-dynamic' 'nonce-n1'", { nonce: "n1" }],
  ["a rule for elements before the one for scripts", "script-src 'none'; script-src-elem 'self'", PLAIN],
  ["upper case and line breaks", "Default-Src 'none';\n SCRIPT-SRC 'self';CONNECT-SRC\t'self'", PLAIN],
  ["two policies that agree", "default-src 'self', script-src 'nonce-n1'", { nonce: "n1" }],
  ["nothing", "default-src 'none'", null],
  ["no script", "script-src 'none'", null],
  ["no script of this origin", "script-src https://cdn.example", null],
  ["no connection", "default-src 'none'; script-src 'self'", null],
  ["a sandbox", "sandbox allow-forms", null],
  ["a sandbox with scripts", "sandbox allow-scripts", PLAIN],
  ["two policies, one of which refuses", "default-src 'self', script-src 'none'", null],
  ["two policies with different nonces", "script-src 'nonce-n1', script-src 'nonce-n2'", null],
  ["a nonce that is none", "script-src 'nonce-\"><b>'", null],
])("a policy with %s", (_what, policy, permission) => {
  expect(allowsReload(policy)).toEqual(permission);
});
