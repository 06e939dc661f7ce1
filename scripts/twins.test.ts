/** Constants that two packages define, because neither may import the other, are equal. */
import { expect, test } from "vitest";
import { FORBIDDEN_TRAILERS as ofContract } from "../packages/gateway-spec/src/server-kit/fields.ts";
import { FORBIDDEN_TRAILERS as ofCodec } from "../packages/server/src/http1/grammar.ts";

test("the contract and the codec forbid the same trailer fields", () => {
  expect([...ofCodec].toSorted()).toEqual([...ofContract].toSorted());
});
