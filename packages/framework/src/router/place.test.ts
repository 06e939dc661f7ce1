import { expect, test } from "vitest";
import { firstOutside } from "./place.ts";

test.each([
  [
    "a URL",
    "file:///srv/app/node_modules/@tsgi/framework/dist/",
    "    at file:///srv/app/main.ts:7:5",
    "/srv/app/main.ts:7",
  ],
  [
    "a URL with a query and an encoded space",
    "file:///srv/my%20app/dist/",
    "    at start (file:///srv/my%20app/main.ts?version=2:7:5)",
    "/srv/my app/main.ts:7",
  ],
  ["a path", "file:///srv/app/dist/", "    at Object.<anonymous> (/srv/app/main.js:7:5)", "/srv/app/main.js:7"],
  ["a URL on Windows", "file:///C:/app/dist/", "    at start (file:///C:/app/main.ts:7:5)", "C:/app/main.ts:7"],
  ["a path on Windows", "file:///C:/app/dist/", String.raw`    at start (C:\app\main.js:7:5)`, "C:/app/main.js:7"],
])("the place of a frame with %s is a path and a line", (_kind, folder, frame, place) => {
  const own = [
    `    at callerPlace (${folder}router/place.js:10:18)`,
    `    at add (${decodeURI(folder)
      .replace("file://", "")
      .replace("/C:/", "C:/")
      .replaceAll("/", folder.includes("C:") ? "\\" : "/")}app.js:3:1)`,
  ];
  expect(firstOutside(["Error: place", ...own, "    at node:internal/main:1:1", frame].join("\n"), folder)).toBe(place);
});

test("a test beside the sources is a program", () => {
  const stack = "Error: place\n    at file:///repo/src/router/router.ts:1:1\n    at file:///repo/src/app.test.ts:9:3";
  expect(firstOutside(stack, "file:///repo/src/")).toBe("/repo/src/app.test.ts:9");
});

test("without a frame outside of the package, there is no place", () => {
  expect(firstOutside("Error: place\n    at file:///repo/src/app.ts:1:1", "file:///repo/src/")).toBeUndefined();
});
