/** What stands twice on purpose, in packages that do not import each other's inside, says the same. */
import { expect, test } from "vitest";
import { FORBIDDEN_TRAILERS as ofContract } from "../packages/gateway-spec/src/server-kit/fields.ts";
import { FORBIDDEN_TRAILERS as ofCodec } from "../packages/server/src/http1/grammar.ts";

test("the fields that may not stand behind a content", () => {
  expect([...ofCodec].toSorted()).toEqual([...ofContract].toSorted());
});
