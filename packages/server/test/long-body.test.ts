/** A long body of short pieces that are always at hand: the server writes faster than the client reads, and waits again and again. */
import { expect, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

const PIECE = `${"x".repeat(199)}\n`;
const PIECES = 50_000;

test.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("a body of 10 MB in pieces of 200 bytes arrives whole from the %s server, each time", async (_name, serve) => {
  await using server = await serve(() => ({
    status: 200,
    body: (async function* () {
      for (let i = 0; i < PIECES; i++) yield PIECE;
    })(),
  }));
  for (let i = 0; i < 10; i++) {
    const content = await (await fetch(server.url)).text();
    expect(content.length).toBe(PIECES * PIECE.length);
  }
});
