import { expect, test } from "vitest";
import { acceptedCodings } from "./codings.ts";

test.each([
  [null, ["identity"]],
  ["", ["identity"]],
  ["gzip, deflate, br, zstd", ["br", "gzip", "identity"]],
  ["gzip", ["gzip", "identity"]],
  ["GZIP", ["gzip", "identity"]],
  ["x-gzip", ["gzip", "identity"]],
  ["br;q=0.5, gzip", ["gzip", "br", "identity"]],
  ["br;q=0.5 , gzip ; Q=0.8", ["gzip", "br", "identity"]],
  ["br;q=0, gzip", ["gzip", "identity"]],
  ["*", ["br", "gzip", "identity"]],
  ["*;q=0", ["identity"]],
  ["identity, br;q=0.5", ["identity", "br"]],
  ["identity;q=0, gzip", ["gzip", "identity"]],
  ["br;q=2, gzip", ["gzip", "identity"]],
  ["br;level=1", ["identity"]],
])("%s", (field, codings) => {
  expect(acceptedCodings(field)).toEqual(codings);
});
