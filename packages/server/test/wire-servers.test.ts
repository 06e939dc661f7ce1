/**
 * The wire cases over real sockets, on both servers: each gets the response that the codec determines, whole, split and byte by
 * byte, and nothing after a rejection is served.
 */
import type { Handler, Serve, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import type { NodeServeOptions } from "../src/options.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { WIRE_CASES, type WireCase } from "./wire-cases.ts";
import { get, WireClient } from "./wire-client.ts";

/** Cases with other responses of a server, and their statuses. */
type Exceptions = Readonly<Record<string, string>>;

/** A TLS client could not read a response: the connection is closed. */
const SOCKET: Exceptions = { "a TLS handshake": "" };

/** What node's parser accepts or rejects before the codec runs (docs/server-behavior.md). */
const NODE: Exceptions = {
  "two empty lines before the request line (we choose to ignore one only)": "200",
  "two empty lines between two requests": "200 200",
  "a bare LF before the request line": "200",
  "a CR alone before the request line": "200",
  "two spaces before the target": "200",
  "two spaces before the version": "200",
  "the method is case-sensitive and may be unknown": "400",
  "a method of every kind of token character": "400",
  "the longest method": "400",
  "too many digits": "200",
  "too many zeros in the last chunk": "200",
  "zeros that never end": "",
  "a line of 257 bytes": "200",
  "a trailer that routes": "200",
  "a trailer that authenticates": "200",
};

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe.each<[string, Serve<NodeServeOptions>, Exceptions]>([
  ["the socket server", serveSocket, SOCKET],
  ["the node server", serveNode, NODE],
])("%s", (_name, serve, exceptions) => {
  let server: Server;
  let smuggled = 0;

  const handler: Handler = async (request, { target }) => {
    if (target === "/smuggled") smuggled++;
    return { status: 200, body: await readText(request) };
  };

  beforeAll(async () => {
    server = await serve(handler, { logger: silent, shutdownTimeoutMs: 100 });
  });

  afterAll(() => server.close());

  test.each(WIRE_CASES)("$file: $name", async (wireCase) => {
    smuggled = 0;
    const { bytes, expected, name } = wireCase;
    const statuses = exceptions[name] ?? expectedStatuses(wireCase);
    const refused = (exceptions[name] === undefined && expected.at(-1)?.startsWith("refused")) === true;
    const cut = Math.ceil(bytes.length / 2);
    const feeds = [[bytes], [bytes.subarray(0, cut), bytes.subarray(cut)]];
    if (bytes.length <= 300) feeds.push(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
    if (refused) feeds.push([Buffer.concat([bytes, Buffer.from(get("/smuggled"))])]);
    const received = await Promise.all(feeds.map((pieces) => receivedStatuses(pieces, statuses, refused)));
    expect(received).toEqual(received.map(() => statuses));
    expect(smuggled).toBe(0);
  });

  /** The received statuses: all if the connection closes, else as many as expected. */
  async function receivedStatuses(pieces: readonly Buffer[], statuses: string, refused: boolean): Promise<string> {
    const client = new WireClient(server.address);
    client.socket.setNoDelay(true);
    for (const piece of pieces) {
      // oxlint-disable-next-line no-await-in-loop -- sequentially
      await new Promise((resolve) => client.socket.write(piece, resolve));
    }
    if (refused || statuses.endsWith("close")) await client.end();
    else if (statuses !== "") await client.until("HTTP/1.1 200 OK", statuses.split(" ").length).catch(() => undefined);
    client.socket.destroy();
    return Array.from(client.received.matchAll(/^.*HTTP\/1\.1 ([0-9]{3}) /gm), ([, status]) => status)
      .filter((status) => status !== "100")
      .join(" ");
  }
});

/** Malformed content gets 400, because its handler is already running; an incomplete message gets no response. */
function expectedStatuses({ expected }: WireCase): string {
  const statuses: string[] = [];
  let complete = true;
  for (const line of expected) {
    const [kind, ...words] = line.split(" ");
    if (kind === "request") {
      complete = words[3] === "none";
      if (complete) statuses.push("200");
      if (words.includes("close") && complete) break;
    } else if (kind === "end") {
      complete = true;
      statuses.push("200");
    } else if (kind === "refused") {
      statuses.push(complete ? (words[0] ?? "") : "400");
    }
  }
  return statuses.join(" ");
}
