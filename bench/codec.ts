/** `node bench/codec.ts [kind …]`: the HTTP/1.1 codec alone, with no socket and no server. Processor time, best of several rounds. */
import { FieldView } from "@tsgi/gateway-spec/server-kit";
import { HeadWriter, type RequestHead, RequestParser, Vocabulary } from "@tsgi/server/http1";
import { type Workload, WORKLOADS } from "./workloads.ts";

const ROUNDS = 5;
const ROUND_MS = 100;

interface Kind {
  readonly name: string;
  /** What one read brings, each in turn, and how many messages that is. */
  readonly reads: readonly Buffer[];
  readonly messagesPerRead: number;
  /** Works through the reads `times` times. */
  readonly run: (times: number) => void;
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
  parsing("the same, three fields asked for by name", workload("browser-varying").writes, 1, askForThree),
  parsing("POST of 200 bytes", workload("echo").writes),
  parsing("POST of 256 bytes in 4 chunks", [chunked]),
  writing("response head, always the same", () => 13),
  writing("response head, varying length", (index) => index & 1023),
];

const chosen = process.argv.slice(2);
console.log("| kind | ns/message | MB/s |\n| --- | ---: | ---: |");
for (const kind of kinds.filter(({ name }) => chosen.length === 0 || chosen.some((part) => name.includes(part)))) {
  const messages = kind.reads.length * kind.messagesPerRead;
  const bytes = kind.reads.reduce((sum, read) => sum + read.length, 0);
  const nanoseconds = bestNanoseconds(kind.run);
  console.log(`| ${kind.name} | ${Math.round(nanoseconds / messages)} | ${Math.round((bytes / nanoseconds) * 1000)} |`);
}

/** Processor time of going once through a kind's reads. */
function bestNanoseconds(run: (times: number) => void): number {
  let times = 1;
  // Warms up, and finds how often it goes into a round.
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

/** @param use what is done with each head: a codec that leaves work to whoever asks has to show what is left. */
function parsing(
  name: string,
  writes: readonly string[],
  messagesPerRead = 1,
  use: (head: RequestHead) => void = () => undefined,
): Kind {
  const parser = new RequestParser(undefined, new Vocabulary());
  const reads = writes.map((text) => Buffer.from(text, "latin1"));
  let heads = 0;
  const run = (times: number) => {
    heads = 0;
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
  return { name, reads, messagesPerRead, run };
}

/** As an application does: one that is there, one that is last, and one that is not there. */
function askForThree({ fields }: RequestHead): void {
  const headers = new FieldView(fields);
  if (headers.get("accept") === null || headers.get("cookie") === null || headers.has("if-none-match")) {
    throw new Error("The fields are others");
  }
}

/** A head as most applications give one: a status and a type; length and date are the server's. */
function writing(name: string, length: (index: number) => number): Kind {
  const writer = new HeadWriter();
  const date = "Date: Sat, 21 Nov 2026 02:06:47 GMT\r\n";
  const write = (index: number) => {
    writer.begin(200, { "content-type": "text/plain" });
    return writer.end(date, `Content-Length: ${length(index)}\r\n`, "");
  };
  const reads = Array.from({ length: 64 }, (_, index) => Buffer.from(write(index)));
  let written = 0;
  const run = (times: number) => {
    for (let time = 0; time < times; time++) {
      for (let index = 0; index < reads.length; index++) written += write(index).length;
    }
    if (written === 0) throw new Error(`${name}: nothing was written`);
  };
  return { name, reads, messagesPerRead: 1, run };
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
