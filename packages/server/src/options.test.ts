import { describe, expect, test } from "vitest";
import { checkOptions, NODE_OPTIONS, SOCKET_OPTIONS } from "./options.ts";

describe("options of serve", () => {
  test.each([
    ["host", '; did you mean "hostname"?'],
    ["prot", '; did you mean "port"?'],
    ["shutdownTimeout", '; did you mean "shutdownTimeoutMs"?'],
    ["maxBodyBites", '; did you mean "maxBodyBytes"?'],
    ["colour", ""],
  ])("the unknown option %j is refused with a hint", (name, hint) => {
    for (const known of [SOCKET_OPTIONS, NODE_OPTIONS]) {
      expect(() => {
        checkOptions({ [name]: 1 }, known);
      }).toThrow(expect.objectContaining({ code: "UNKNOWN_OPTION", message: `unknown option "${name}"${hint}` }));
    }
  });

  test("http2 is an option of the node server alone", () => {
    checkOptions({ http2: false }, NODE_OPTIONS);
    expect(() => {
      checkOptions({ http2: false }, SOCKET_OPTIONS);
    }).toThrow('unknown option "http2"');
  });

  test("an option without a value is as one that was not given", () => {
    checkOptions({ host: undefined, hostname: undefined }, SOCKET_OPTIONS);
  });
});
