/** Nearly valid requests by seed: generated from the grammar or taken from the wire cases, then mutated. */
import { METHODS } from "node:http";
import { WIRE_CASES } from "./wire-cases.ts";

export interface Random {
  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number;
  /** True once in `times` on average. */
  once(times: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** The mulberry32 generator: small, fast, and equal on all platforms. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return {
    below,
    once: (times) => below(times) === 0,
    pick: <T>(items: readonly T[]) => items[below(items.length)] as T,
  };
}

const TARGETS = [
  "/",
  "/a/b?c=d&e",
  "/%2e%2e/",
  "/a?b?c/d@e:f",
  "/a{b}|c^`",
  "//a",
  "/;=,!$'()*",
  "*",
  "http://a/",
  "http://a:80/b?c",
  "https://b",
  "http://[::1]:8/",
  "http://a?b",
  "HTTP://A/",
  "ftp://a/",
  "a:80",
  "http://u@a/",
];
const HOSTS = ["a", "a:80", "[::1]", "127.0.0.1:1", "", "a b", "a,b", "a%20b", "A-_~.", "a:99999"];
const CONNECTIONS = [
  "close",
  "keep-alive",
  "Close",
  "close, keep-alive",
  "upgrade",
  "keep-alive, upgrade",
  "x",
  ",close,",
  "",
];
const CODINGS = [
  "chunked",
  "Chunked",
  "chunked ",
  "gzip, chunked",
  "chunked, chunked",
  "chunked, gzip",
  "identity",
  "xchunked",
  "",
];
const LENGTHS = ["0", "1", "5", "05", "+5", "5,5", "5, 5", "5 5", "-1", "0x5", "", "18446744073709551621", "5;", "1e1"];
const VALUES = ["", "b", "b c", '"b"', "b\xff", "b,c", "b;c=d", "\t b \t", ":", "b\tc", "chunked", "100-continue"];
const NAMES = [
  "a",
  "X-A",
  "accept",
  "cookie",
  "a_b",
  "te",
  "trailer",
  "keep-alive",
  "proxy-connection",
  "content-lengt",
  "!#$%&'*+-.^_`|~",
];
const SIZES = ["00", "0x0", "+0", "ffffffffffffffff1", "-1", "1 ", "", "1_0", "g"];
const EXTENSIONS = [
  ";a",
  ";a=b",
  ';a="b"',
  ';a="\\""',
  ";a=",
  ";",
  " ;a",
  ";a;b=c",
  ";a b",
  ';a="\xff"',
  ";a=\x7f",
  ';a="',
];
/** Bytes and words that parsers have interpreted differently. */
const DAMAGE = [
  "\r",
  "\n",
  "\r\n",
  "\n\r",
  "\r\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  "\v",
  "\f",
  "\x7f",
  "\x80",
  "\xa0",
  "\xff",
  ":",
  ";",
  ",",
  "=",
  '"',
  "\\",
  "/",
  "?",
  "#",
  "@",
  "%",
  "*",
  "0",
  "1",
  "f",
  "x",
  "-",
  "+",
  "_",
  "A",
  "a",
  "GET / HTTP/1.1\r\n",
  "HTTP/1.1",
  "HTTP/1.0",
  "Content-Length: 1\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Host: a\r\n",
  "Connection: close\r\n",
  "Transfer-Encoding:",
  "Content-Length:",
  "chunked",
  "0\r\n\r\n",
  "\r\n ",
  "\r\n\t",
];

/** The bytes of a connection: one request or several, as Latin-1 text. */
export function randomRequests(random: Random): string {
  let text = "";
  const count = 1 + random.below(4);
  for (let i = 0; i < count; i++) text += random.once(8) ? wireCase(random) : request(random);
  const damages = random.pick([0, 0, 0, 1, 1, 3]);
  for (let i = 0; i < damages; i++) text = damaged(random, text);
  return text;
}

function wireCase(random: Random): string {
  for (;;) {
    const { bytes } = random.pick(WIRE_CASES);
    // The cases of length limits are similar and slow.
    if (bytes.length < 2000) return bytes.toString("latin1");
  }
}

function request(random: Random): string {
  const odd = (times: number, usual: string, unusual: readonly string[]) =>
    random.once(times) ? random.pick(unusual) : usual;
  const method = odd(4, "POST", random.once(9) ? ["FOO", "get", "G"] : METHODS);
  const version = odd(10, "HTTP/1.1", [
    "HTTP/1.0",
    "HTTP/1.0",
    "HTTP/1.0",
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/2.0",
    "http/1.1",
    "HTTP/0.9",
    "HTTP/1.1 ",
    "HTTP/11",
  ]);
  const lines: string[] = [];
  const add = (name: string, value: string) =>
    lines.push(
      `${odd(6, name, [name.toLowerCase(), name.toUpperCase()])}${odd(100, ":", [" :", "\t:", ""])}${odd(8, " ", ["", "\t", "  "])}${value}${odd(20, "", [" ", "\t"])}`,
    );
  if (!random.once(60)) add("Host", odd(20, "a", HOSTS));
  for (let i = random.below(3); i > 0; i--) add(random.pick(NAMES), random.pick(VALUES));
  if (random.once(5)) add("Connection", random.pick(CONNECTIONS));
  if (random.once(20)) add("Upgrade", random.pick(["x", "h2c", "websocket"]));
  if (random.once(20)) add("Expect", random.pick(["100-continue", "100-Continue", "x", ""]));
  let content = "";
  const kind = random.below(4);
  if (kind === 1) {
    content = "hello".slice(0, random.below(6));
    add("Content-Length", odd(12, String(content.length), LENGTHS));
    if (random.once(20)) add("Transfer-Encoding", random.pick(CODINGS));
  } else if (kind >= 2) {
    add("Transfer-Encoding", odd(16, "chunked", CODINGS));
    if (random.once(20)) add("Content-Length", random.pick(LENGTHS));
    content = chunks(random);
  }
  if (random.once(8)) lines.reverse();
  return `${method} ${odd(6, "/", TARGETS)} ${version}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n${content}`;
}

function chunks(random: Random): string {
  let text = "";
  for (let i = random.below(3); i > 0; i--) {
    const data = "x".repeat(1 + random.below(20));
    const size = random.once(15) ? random.pick(SIZES) : data.length.toString(16);
    text += `${size}${random.once(6) ? random.pick(EXTENSIONS) : ""}\r\n${data}\r\n`;
  }
  text += `${random.once(10) ? "00" : "0"}${random.once(8) ? random.pick(EXTENSIONS) : ""}\r\n`;
  if (random.once(5)) text += `${random.pick(NAMES)}: ${random.pick(VALUES)}\r\n`;
  return `${text}\r\n`;
}

function damaged(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + random.below(random.once(3) ? 40 : 3));
  switch (random.below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(to);
    case 1:
      return text.slice(0, to) + text.slice(at);
    case 2:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 3:
      return random.once(4) ? text.slice(0, at) : text.slice(0, at) + text.slice(at, to).toUpperCase() + text.slice(to);
    case 4:
      return text.slice(0, at) + random.pick(DAMAGE) + text.slice(at);
    default:
      return text.slice(0, at) + random.pick(DAMAGE) + text.slice(to);
  }
}
