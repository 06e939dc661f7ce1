/**
 * Compares the codec with node:http on nearly valid requests: the codec rejects what node rejects, and both frame equally what both
 * accept. `FUZZ_SEED=1` repeats one seed, `FUZZ_SECONDS=600` runs longer than CI does.
 */
import { METHODS } from "node:http";
import { expect, test } from "vitest";
import { HeaderPrefixCache } from "../src/http1/cache/header-prefix-cache.ts";
import { LastHeadCache } from "../src/http1/cache/last-head-cache.ts";
import { RequestParser } from "../src/http1/index.ts";
import { randomRequests, seededRandom } from "./random-requests.ts";
import { nodeReadings, ourReading, type Message, type Reading } from "./readings.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const SECONDS = Number(process.env["FUZZ_SECONDS"] ?? 8);
const BATCH = 100;
const MAX_CASES = process.env["FUZZ_SECONDS"] === undefined ? 40_000 : Number.POSITIVE_INFINITY;

interface Difference {
  readonly name: string;
  readonly why: string;
  /** What is no longer compared: the message and all that follows it, or only what follows it. */
  readonly spares: "message" | "next";
  /** @param head the first line of an accepted message, or the beginning of an incomplete head. */
  readonly is: (head: string, fields: readonly string[]) => boolean;
}

/** What node rejects or interprets differently, and the codec accepts on purpose. */
const DIFFERENCES: readonly Difference[] = [
  {
    name: "a method that node does not know",
    why: "RFC 9110 §9.1: a method is a token, and more are registered all the time; what a handler does not know is its to refuse.",
    spares: "message",
    is: (head) => {
      const [method = ""] = head.split(" ");
      return !METHODS.some((known) => (head.includes(" ") ? known === method : known.startsWith(method)));
    },
  },
  {
    name: "what follows a request to upgrade that is not granted",
    why: "RFC 9110 §7.8: a server MAY ignore Upgrade, and the connection goes on in HTTP/1.1; node's parser stops there.",
    spares: "next",
    is: (_head, fields) =>
      fields.some((field) => field.startsWith("upgrade: ")) &&
      fields.some((field) => /^connection: .*upgrade/i.test(field)),
  },
  {
    name: "Proxy-Connection: close",
    why: "RFC 9112 appendix C.2.2: a field that some clients sent to proxies, with no meaning here; node's parser closes.",
    spares: "next",
    is: (_head, fields) => fields.some((field) => /^proxy-connection: .*close/i.test(field)),
  },
];

const OLD_PARSER = process.versions["llhttp"]?.startsWith("9.2.") === true;

test(
  "the codec rejects what node:http rejects, and both frame equally what both accept",
  async () => {
    const random = seededRandom(SEED);
    const until = performance.now() + SECONDS * 1000;
    let cases = 0;
    let accepted = 0;
    let refused = 0;
    while (cases < MAX_CASES && performance.now() < until) {
      const texts = Array.from({ length: BATCH }, () => readable(randomRequests(random)));
      // Each batch is awaited, to limit the sockets in memory.
      // oxlint-disable-next-line no-await-in-loop -- the loop is bounded by time
      const theirs = await nodeReadings(texts.map((text) => Buffer.from(text, "latin1")));
      for (const [i, text] of texts.entries()) {
        const bytes = Buffer.from(text, "latin1");
        const ours = ourReading([bytes]);
        const difference = disagreement(bytes, ours, theirs[i] as Reading);
        // oxlint-disable-next-line no-await-in-loop -- once, on the way out
        if (difference !== null) expect.fail(await report(text, difference));
        const cut = random.below(bytes.length + 1);
        const ofTwo = ourReading([bytes.subarray(0, cut), bytes.subarray(cut)]);
        expect(ofTwo, `FUZZ_SEED=${SEED} cut at ${cut}: ${JSON.stringify(text)}`).toEqual(ours);
        const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
        expect(ourReading(single), `FUZZ_SEED=${SEED} byte by byte: ${JSON.stringify(text)}`).toEqual(ours);
        const twice = Buffer.concat([bytes, bytes]);
        const caches = { prefixes: new HeaderPrefixCache(), heads: new LastHeadCache() };
        const cached = ourReading(
          cutAt(twice, cut, cut + 2, twice.length - cut),
          new RequestParser(undefined, () => caches),
        );
        expect(cached, `FUZZ_SEED=${SEED} with caches, cut at ${cut}: ${JSON.stringify(text)}`).toEqual(
          ourReading([twice]),
        );
        accepted += ours.messages.length;
        if (ours.refused !== null) refused++;
      }
      cases += BATCH;
    }
    console.info(`differential: ${cases} cases, ${accepted} messages accepted, ${refused} refused, FUZZ_SEED=${SEED}`);
    expect(cases).toBeGreaterThan(0);
  },
  (SECONDS + 60) * 1000,
);

/** Removes tabs at the end of lines for the parser of Node 22, which takes them for a part of the value (RFC 9112 §5: they are not). */
function readable(text: string): string {
  return OLD_PARSER ? text.replaceAll(/[\t ]*\t[\t ]*(?=\r|$)/g, "") : text;
}

function cutAt(bytes: Buffer, ...cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

/** The difference, or `null`. Nothing is compared after a message that closes the connection. */
function disagreement(bytes: Buffer, ours: Reading, theirs: Reading): string | null {
  for (const [i, our] of ours.messages.entries()) {
    const spared = deliberate(`${our.method} ${our.target}`, our.fields);
    if (spared === "message") return null;
    const their = theirs.messages[i];
    if (their === undefined) {
      return theirs.refused === null ? "node sees fewer messages" : `node refuses what we accept: ${theirs.refused}`;
    }
    for (const part of ["method", "version", "target"] as const) {
      if (our[part] !== their[part]) return `another ${part}: ${their[part]}`;
    }
    // RFC 9112 §3.2.2: the authority of an absolute form replaces Host.
    const fields = our.target.startsWith("/") ? their.fields : withAuthority(their.fields, our);
    if (our.fields.join("\n") !== fields.join("\n")) return `other fields: ${fields.join("; ")}`;
    if (our.keepAlive && !their.keepAlive && their.complete && spared !== "next") return "node closes the connection";
    if (!our.complete && ours.refused !== null) return null;
    if (our.complete && !their.complete) return `node has not seen the end: ${theirs.refused}`;
    if (!our.complete && their.complete) return "node has seen the end";
    if (our.content !== their.content) return `other content: ${their.content}`;
    if (our.complete && our.trailers.join("\n") !== their.trailers.join("\n")) {
      return `other trailers: ${their.trailers.join("; ")}`;
    }
    if (!our.keepAlive || spared === "next") return null;
  }
  if (ours.refused !== null) return null;
  if (theirs.messages.length > ours.messages.length) return "node sees more messages";
  if (theirs.refused === null || deliberate(unendedHead(bytes, ours), []) !== undefined) return null;
  // Node may reject at a byte what the codec rejects at the end of its line or head.
  const whateverFollows = ourReading([bytes, Buffer.from("\r\n\r\n")]);
  return whateverFollows.refused === null ? `node refuses what we still wait for: ${theirs.refused}` : null;
}

function deliberate(head: string, fields: readonly string[]): Difference["spares"] | undefined {
  return DIFFERENCES.find((difference) => difference.is(head, fields))?.spares;
}

/** The bytes after the last message; empty if its content is incomplete. */
function unendedHead(bytes: Buffer, { messages }: Reading): string {
  if (messages.at(-1)?.complete === false) return "";
  let from = bytes.length;
  while (
    from > 0 &&
    ourReading([bytes.subarray(0, from - 1)]).messages.filter((m) => m.complete).length === messages.length
  ) {
    from--;
  }
  return bytes.toString("latin1", from).replace(/^\r\n/, "");
}

function withAuthority(fields: readonly string[], message: Message): string[] {
  const host = message.fields.find((field) => field.startsWith("host: "));
  return fields.map((field) => (field.startsWith("host: ") ? (host ?? "") : field));
}

/** The smallest form of the case, and what is needed to repeat it. */
async function report(text: string, difference: string): Promise<string> {
  let small = text;
  const differs = async (candidate: string): Promise<string | null> => {
    const bytes = Buffer.from(candidate, "latin1");
    const [theirs] = await nodeReadings([bytes]);
    return disagreement(bytes, ourReading([bytes]), theirs as Reading);
  };
  for (let length = Math.ceil(text.length / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < small.length;) {
      const candidate = small.slice(0, at) + small.slice(at + length);
      // oxlint-disable-next-line no-await-in-loop -- each step depends on the last
      if ((await differs(candidate)) === null) at += length;
      else small = candidate;
    }
  }
  const bytes = Buffer.from(small, "latin1");
  const [theirs] = await nodeReadings([bytes]);
  return [
    `FUZZ_SEED=${SEED}: ${difference}`,
    JSON.stringify(text),
    `smaller: ${JSON.stringify(small)}: ${await differs(small)}`,
    `ours: ${JSON.stringify(ourReading([bytes]))}`,
    `node: ${JSON.stringify(theirs)}`,
  ].join("\n");
}

test("a parser that failed emits nothing more", () => {
  const random = seededRandom(SEED);
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(randomRequests(random), "latin1");
    if (ourReading([bytes]).refused === null) continue;
    const parser = new RequestParser();
    parser.push(bytes);
    try {
      while (parser.next() !== null);
    } catch {
      // Refused, as expected.
    }
    parser.push(Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    expect(parser.next()).toBeNull();
  }
});
