import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, expect, test } from "vitest";
import { turn, watchAccepted } from "../../test/accepted-sockets.ts";
import { seededRandom } from "../../test/random-requests.ts";
import { socketServers } from "../../test/socket-servers.ts";
import { selfSigned } from "../tls/self-signed.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

const { start } = socketServers();
const endOf = watchAccepted();

const clients: Socket[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

const PAIR = selfSigned();

async function open({ address }: Server, transport: "tcp" | "tls"): Promise<Socket> {
  if (address.transport !== "tcp") throw new Error("the server has no port");
  const { port, hostname: host } = address;
  const socket =
    transport === "tcp" ? connect(port, host) : connectTls({ port, host, servername: "localhost", ca: PAIR.cert });
  clients.push(socket);
  await once(socket, transport === "tcp" ? "connect" : "secureConnect");
  return socket;
}

const get = (target: string, field = "") => `GET ${target} HTTP/1.1\r\nHost: a\r\n${field}\r\n`;

/** Content that belongs to a number: a text of ASCII, a text with other characters, or bytes, of up to 70,000 bytes. */
function contentOf(number: number): string | Uint8Array {
  const random = seededRandom(number);
  const longest = random.pick([10, 3000, 40_000, 70_000]);
  const text = `${number} `.repeat(Math.ceil(longest / 5)).slice(0, random.below(longest));
  return random.pick([text, `é指😀\ud800${text}`, Buffer.from(text), Buffer.from(`${text}\u{ff}`, "latin1")]);
}

const server: Handler = (_request, { target, completed }) => {
  // Whether someone waits for the completion decides how the response is written.
  if (target.endsWith("?completed")) void completed;
  const body = contentOf(Number.parseInt(target.slice(1), 10));
  return { status: 200, headers: { "content-type": "text/plain", "x-name": "é" }, body };
};

/** The contents of responses that all have a Content-Length. */
function contentsOf(received: Buffer): readonly Buffer[] {
  const contents: Buffer[] = [];
  for (let at = 0; at < received.length;) {
    const start = received.indexOf("\r\n\r\n", at) + 4;
    const head = received.toString("latin1", at, start);
    const length = /^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Length: (\d+)\r\n/.exec(head)?.[1];
    if (length === undefined) throw new Error(`no head of a 200: ${JSON.stringify(head)}`);
    at = start + Number(length);
    contents.push(received.subarray(start, at));
  }
  return contents;
}

const bytesOf = (content: string | Uint8Array) => Buffer.from(content as string);

test.each(["tcp", "tls"] as const)(
  `responses of all kinds and lengths, pipelined on several connections over %s, arrive unchanged (seed ${SEED})`,
  async (transport) => {
    const { server: started } = await start(server, transport === "tls" ? { tls: PAIR } : {});
    const random = seededRandom(SEED);
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const socket = await open(started, transport);
        const numbers = Array.from({ length: 30 }, () => random.below(1_000_000));
        const requests = numbers.map((number, index) =>
          get(
            `/${number}${random.pick(["", "?completed"])}`,
            index === numbers.length - 1 ? "Connection: close\r\n" : "",
          ),
        );
        const pieces: Buffer[] = [];
        socket.on("data", (bytes: Buffer) => pieces.push(bytes));
        const ended = once(socket, "end");
        while (requests.length > 0) {
          socket.write(requests.splice(0, random.below(12)).join(""));
          await turn();
        }
        await ended;
        const contents = contentsOf(Buffer.concat(pieces));
        expect(contents.length).toBe(numbers.length);
        const changed = numbers.filter((number, index) => contents[index]?.equals(bytesOf(contentOf(number))) !== true);
        expect(changed).toEqual([]);
      }),
    );
  },
);

test("bytes that wait for a slow client stay as they were when other connections have been written to", async () => {
  const page = (letter: string) => letter.repeat(20_000);
  const { server: started } = await start((_request, { target }) => ({ status: 200, body: page(target.slice(1)) }));
  const slow = await open(started, "tcp");
  const end = await endOf(slow);
  slow.pause();
  /** Whether bytes wait in the process, and not for a moment only: the system of the client has no place for more. */
  const waits = async () => {
    for (let turns = 0; turns < 50; turns++) {
      if (end.writableLength === 0) return false;
      await turn();
    }
    return true;
  };
  let requests = 0;
  for (; !(await waits()); requests++) {
    slow.write(get("/s") + get("/t"));
    const written = end.bytesWritten;
    while (end.bytesWritten === written) await turn();
  }

  const other = await open(started, "tcp");
  const received: Buffer[] = [];
  other.on("data", (bytes: Buffer) => received.push(bytes));
  other.write(get("/x") + get("/y"));
  while (Buffer.concat(received).length < 40_000) await turn();

  const pieces: Buffer[] = [];
  slow.on("data", (bytes: Buffer) => pieces.push(bytes));
  slow.write(get("/z", "Connection: close\r\n"));
  slow.resume();
  await once(slow, "end");
  const contents = contentsOf(Buffer.concat(pieces)).map((content) => content.toString());
  expect(contents.length).toBe(2 * requests + 1);
  expect(
    contents.every((content, index) => content === page(index === 2 * requests ? "z" : index % 2 === 0 ? "s" : "t")),
  ).toBe(true);
});
