import { expect, test } from "vitest";
import { BodyError } from "../body.ts";
import {
  contentMalformed,
  contentTimeout,
  contentTooLarge,
  exchangeError,
  failureResponse,
  refusalStatus,
} from "./refusals.ts";

test.each([
  [new Error("x"), 500],
  ["x", 500],
  [undefined, 500],
  [exchangeError("CLIENT_DISCONNECTED", "x"), 500],
  [contentTooLarge(1), 413],
  [contentTimeout(), 408],
  [contentMalformed(), 400],
  [new BodyError("BODY_TOO_LARGE", "x"), 413],
  [new BodyError("BODY_UNSUPPORTED_TYPE", "x"), 415],
  [Object.assign(new Error("x"), { status: 404 }), 500],
  [Object.assign(new Error("x"), { name: "BodyError", status: 200 }), 500],
])("%o that a handler lets pass has the status %i", (error, status) => {
  expect(refusalStatus(error)).toBe(status);
});

test("the response in place of a failed handler discloses only messages of the kit", () => {
  expect(failureResponse(new Error("secret")).body).toBe("Internal Server Error\n");
  expect(failureResponse(contentTooLarge(5))).toMatchObject({
    status: 413,
    body: "The request content is longer than 5 bytes\n",
  });
});
