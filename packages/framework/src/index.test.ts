import { expect, test } from "vitest";
import * as framework from "./index.ts";

test("the public names are these", () => {
  expect(Object.keys(framework).toSorted()).toMatchInlineSnapshot(`
    [
      "App",
      "HttpError",
      "RouteError",
      "TemplateError",
      "del",
      "get",
      "patch",
      "post",
      "put",
      "route",
    ]
  `);
});
