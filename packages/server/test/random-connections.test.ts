/**
 * The socket server under nearly valid requests, over real sockets: it responds to what its parser accepts, rejects once what its
 * parser rejects, ends every connection, and never sends 500. `FUZZ_SEED=1` repeats one seed, `FUZZ_SECONDS=60` runs longer.
 */
import type { Handler, OutgoingResponse, Server } from "@tsgi/gateway-spec";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { DEFAULT_LIMITS } from "../src/options.ts";
import { listen } from "../src/socket/listen.ts";
import { ManualClock } from "./manual-clock.ts";
import { randomRequests, seededRandom } from "./random-requests.ts";
import { ourReading, type Message } from "./readings.ts";
import { WireClient } from "./wire-client.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 4);
const AT_ONCE = 40;

const logger = { info: vi.fn(), warn: () => undefined, error: vi.fn() };
let server: Server;

beforeAll(async () => {
  server = await listen(collecting, { logger }, new ManualClock());
});

afterAll(() => server.close());

/** Some responses are returned at once, some later. */
const collecting: Handler = (request, { target }) =>
  target.length % 2 === 0 && request.body === null ? { status: 200 } : readAway(request.body);

async function readAway(body: AsyncIterable<Uint8Array> | null): Promise<OutgoingResponse> {
  let length = 0;
  for await (const bytes of body ?? []) length += bytes.length;
  return { status: 200, headers: { "x-length": String(length) } };
}

test(
  "a connection receives the responses that its bytes require, and ends",
  async () => {
    const random = seededRandom(SEED);
    const until = performance.now() + SECONDS * 1000;
    let cases = 0;
    while (performance.now() < until) {
      const texts = Array.from({ length: AT_ONCE }, () => randomRequests(random));
      const cuts = texts.map((text) => random.below(text.length + 1));
      // oxlint-disable-next-line no-await-in-loop -- limits the concurrent connections
      const received = await Promise.all(texts.map((text, i) => converse(text, cuts[i] ?? 0)));
      for (const [i, text] of texts.entries()) {
        expect(statuses(received[i] ?? ""), `FUZZ_SEED=${SEED} cut at ${cuts[i]}: ${JSON.stringify(text)}`).toEqual(
          expectedStatuses(text),
        );
      }
      cases += texts.length;
    }
    console.info(`connections: ${cases}, FUZZ_SEED=${SEED}`);
    expect(logger.error).not.toHaveBeenCalled();
  },
  (SECONDS + 60) * 1000,
);

/** Sends the text in two pieces and closes the sending side. */
function converse(text: string, cut: number): Promise<string> {
  const client = new WireClient(server.address);
  client.socket.setNoDelay(true);
  client.socket.write(text.slice(0, cut), "latin1", () => {
    client.socket.end(text.slice(cut), "latin1");
  });
  return client.end();
}

/** The classes of the responses: "2" for a 200, "4" for any rejection. Content and 100 Continue are left out. */
function statuses(received: string): string {
  return Array.from(received.matchAll(/^HTTP\/1\.1 ([0-9]{3}) /gm), ([, status = ""]) => status)
    .filter((status) => status !== "100")
    .map((status) => (status === "200" ? "2" : status === "500" ? "500" : "4"))
    .join("");
}

function expectedStatuses(text: string): string {
  // Bytes that begin as TLS does are not HTTP: the client could not read a response.
  if (text.startsWith("\x16")) return "";
  const { messages, refused } = ourReading([Buffer.from(text, "latin1")]);
  let expected = "";
  for (const message of messages) {
    if (contentLength(message) > DEFAULT_LIMITS.maxBodyBytes) return `${expected}4`;
    // Misdirected: this port has no TLS (RFC 9110 §7.4).
    if (/^https:/i.test(message.target)) return `${expected}4`;
    // A client that closes before it has sent its content gets no response.
    if (!message.complete) return refused === null ? expected : `${expected}4`;
    expected += isUnsupportedHandshake(message) ? "4" : "2";
    if (!message.keepAlive) return expected;
  }
  return refused === null ? expected : `${expected}4`;
}

/** No generated request has Sec-WebSocket-Version: its handshake gets a 426, and the connection continues (RFC 6455 §4.4). */
function isUnsupportedHandshake(message: Message): boolean {
  const { method, version, fields } = message;
  const isChunked = fields.some((line) => line.startsWith("transfer-encoding: "));
  if (method !== "GET" || version !== "1.1" || isChunked || contentLength(message) > 0) return false;
  return hasMember(fields, "connection", "upgrade") && hasMember(fields, "upgrade", "websocket");
}

function hasMember(fields: readonly string[], name: string, member: string): boolean {
  return fields
    .filter((line) => line.startsWith(`${name}: `))
    .flatMap((line) => line.slice(name.length + 2).split(","))
    .some((item) => item.trim().toLowerCase() === member);
}

function contentLength({ fields }: Message): number {
  const field = fields.find((line) => line.startsWith("content-length: "));
  return field === undefined ? 0 : Number(field.slice(16));
}
