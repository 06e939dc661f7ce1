/**
 * `node bench/codec.ts [kind …]`: the HTTP/1.1 codec alone, with no socket and no server, without its caches and with them. Processor
 * time, best of several rounds.
 */
import { FieldView } from "@tsgi/gateway-spec/server-kit";
import {
  contentLengthLine,
  type ParserCaches,
  type RequestHead,
  RequestParser,
  ResponseHeadEncoder,
} from "@tsgi/server/http1";
import { HeaderPrefixCache } from "../packages/server/src/http1/cache/header-prefix-cache.ts";
import { LastHeadCache } from "../packages/server/src/http1/cache/last-head-cache.ts";
import { LastResponseCache } from "../packages/server/src/http1/cache/last-response-cache.ts";
import { type Workload, WORKLOADS } from "./workloads.ts";

const ROUNDS = 5;
const ROUND_MS = 100;

interface Kind {
  readonly name: string;
  /** The bytes of each read, in turn, and the messages in each of them. */
  readonly reads: readonly Buffer[];
  readonly messagesPerRead: number;
  /** Works through the reads `times` times. */
  readonly plain: (times: number) => void;
  readonly cached: (times: number) => void;
}

const { writes: plain } = workload("plaintext");
const { writes: varyingPlain } = varying(plain);
const chunked =
  "POST / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nTransfer-Encoding: chunked\r\n\r\n" +
  `${`40\r\n${"x".repeat(64)}\r\n`.repeat(4)}0\r\n\r\n`;

const kinds: readonly Kind[] = [
  parsing("GET, one header, always the same", plain),
  parsing("GET, one header, varying target", varyingPlain),
  parsing("the same head 16 times in a read", [plain.join("").repeat(16)], 16),
  parsing("16 varying heads in a read", [varyingPlain.slice(0, 16).join("")], 16),
  parsing("GET of a browser, always the same", workload("browser").writes),
  parsing("GET of a browser, varying target and cookie", workload("browser-varying").writes),
  parsing("the same, and three fields looked up by name", workload("browser-varying").writes, 1, askForThree),
  parsing("POST of 200 bytes", workload("echo").writes),
  parsing("POST of 256 bytes in 4 chunks", [chunked]),
  writing("response of 13 bytes, always the same", () => "Hello, world!"),
  writing("response of 13 bytes, varying", (index) => `Hello, w${String(index & 63).padStart(4, "0")}!`),
];

const chosen = process.argv.slice(2);
console.log("| kind | ns/message | MB/s | ns/message with caches |\n| --- | ---: | ---: | ---: |");
for (const kind of kinds.filter(({ name }) => chosen.length === 0 || chosen.some((part) => name.includes(part)))) {
  const messages = kind.reads.length * kind.messagesPerRead;
  const bytes = kind.reads.reduce((sum, read) => sum + read.length, 0);
  const plain = bestNanoseconds(kind.plain);
  const cached = bestNanoseconds(kind.cached);
  const cells = [kind.name, ...[plain / messages, (bytes / plain) * 1000, cached / messages].map(Math.round)];
  console.log(`| ${cells.join(" | ")} |`);
}

/** The processor time of one pass through a kind's reads. */
function bestNanoseconds(run: (times: number) => void): number {
  let times = 1;
  // Warms up, and finds how many passes fill a round.
  while (cpuMicroseconds(() => run(times)) < ROUND_MS * 1000) times *= 2;
  const rounds = Array.from({ length: ROUNDS }, () => cpuMicroseconds(() => run(times)));
  return (Math.min(...rounds) * 1000) / times;
}

function cpuMicroseconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** @param use what is done with each head: a codec that leaves work to its caller has to show that work. */
function parsing(
  name: string,
  writes: readonly string[],
  messagesPerRead = 1,
  use: (head: RequestHead) => void = () => undefined,
): Kind {
  const reads = writes.map((text) => Buffer.from(text, "latin1"));
  const run = (caches: ParserCaches) => {
    const parser = new RequestParser(undefined, () => caches);
    return (times: number) => pass(parser, times);
  };
  const pass = (parser: RequestParser, times: number) => {
    let heads = 0;
    for (let time = 0; time < times; time++) {
      for (const read of reads) {
        parser.push(read);
        for (let event = parser.next(); event !== null; event = parser.next()) {
          if (event.kind !== "request") continue;
          heads++;
          use(event);
        }
      }
    }
    const expected = times * reads.length * messagesPerRead;
    if (heads !== expected) throw new Error(`${name}: ${heads} heads in place of ${expected}`);
  };
  const caches = { prefixes: new HeaderPrefixCache(), heads: new LastHeadCache() };
  return { name, reads, messagesPerRead, plain: run({}), cached: run(caches) };
}

/** As an application does: the first field, the last one, and one that is absent. */
function askForThree({ fields }: RequestHead): void {
  const headers = new FieldView(fields);
  if (headers.get("accept") === null || headers.get("cookie") === null || headers.has("if-none-match")) {
    throw new Error("The fields are wrong");
  }
}

/** A response as most applications give one: a status, a type and a text; length and date are the server's. */
function writing(name: string, content: (index: number) => string): Kind {
  const date = "Date: Sat, 21 Nov 2026 02:06:47 GMT\r\n";
  const cache = new LastResponseCache();
  const plain = (index: number) => {
    const text = content(index);
    const head = new ResponseHeadEncoder(200, { "content-type": "text/plain" });
    return head.encode(date, contentLengthLine(text.length), "") + text;
  };
  const cached = (index: number) => {
    const fields = { "content-type": "text/plain" };
    const text = content(index);
    const known = cache.find(200, fields, text, date, "");
    if (known !== null) return known;
    const head = new ResponseHeadEncoder(200, fields);
    const message = head.encode(date, contentLengthLine(text.length), "") + text;
    cache.keep(200, fields, text, date, "", message);
    return message;
  };
  const reads = Array.from({ length: 64 }, (_, index) => Buffer.from(plain(index)));
  // Text that was joined from pieces is put into one piece of memory when it is written: so it is here.
  const target = Buffer.alloc(512);
  const run = (write: (index: number) => string) => (times: number) => {
    let written = 0;
    for (let time = 0; time < times; time++) {
      for (let index = 0; index < reads.length; index++) written += target.write(write(index), "latin1");
    }
    if (written === 0) throw new Error(`${name}: nothing was written`);
  };
  return { name, reads, messagesPerRead: 1, plain: run(plain), cached: run(cached) };
}

function workload(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found === undefined) throw new Error(`There is no workload ${name}`);
  return found;
}

/** The same request for 64 targets. */
function varying(writes: readonly string[]): Pick<Workload, "writes"> {
  const [one = ""] = writes;
  return { writes: Array.from({ length: 64 }, (_, index) => one.replace("GET /", `GET /${1000 + index}`)) };
}
