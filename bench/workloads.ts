/** The requests that each server receives, byte by byte, and the expected responses. */
import { brotliCompressSync, gzipSync } from "node:zlib";

/** Plain HTTP/1.1, the same over TLS, or HTTP/2 over TLS. */
export type Transport = "tcp" | "tls" | "h2";

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Each string is one write. A connection sends them in turn. All have equal length. Over HTTP/2 only the target of the first one counts. */
  readonly writes: readonly string[];
  /** Each always has a request in progress. */
  readonly connections: number;
  /** Requests in one write. */
  readonly pipelined: number;
  /** Of each response. */
  readonly status: 200 | 201 | 206 | 304 | 404;
  /** The content of each response, a character for a byte; `null` if each server has another. */
  readonly content: string | null;
  /** The start of the Content-Type of each response; empty if it is not checked. */
  readonly contentType: string;
  /** Additional open connections, idle after one exchange each. */
  readonly idleConnections: number;
  /** The files that it needs, by name, in the form of `content`. Only servers of files take part in workloads with files. */
  readonly files: Readonly<Record<string, string>>;
  readonly transport: Transport;
  /** Over TLS, whether each request has a connection of its own, and whether that resumes a session; `null` for persistent connections. */
  readonly handshake: "full" | "resumed" | null;
}

/** A workload of one 200 over TCP without files, if nothing else is given. */
export function workload(given: Pick<Workload, "name" | "title" | "writes"> & Partial<Workload>): Workload {
  return {
    connections: 64,
    pipelined: 1,
    status: 200,
    content: null,
    contentType: "",
    idleConnections: 0,
    files: {},
    transport: "tcp",
    handshake: null,
    ...given,
  };
}

/** Whether its responses are files. */
export function servesFiles({ files }: Workload): boolean {
  return Object.keys(files).length > 0;
}

const HOST = "Host: 127.0.0.1:8080\r\n";
const HELLO = "Hello, world!";
const PLAIN = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const PIPELINED = 16;

/** 200 bytes in the form of JSON.stringify, so that an echo that parses and serializes them returns the same bytes. */
export const POSTED: string = (() => {
  const order = { code: "000007", name: "Nanshan Holdings", price: 12.34, lots: [100, 250, 1000], note: "" };
  return JSON.stringify({ ...order, note: "x".repeat(200 - JSON.stringify(order).length) });
})();

/** What Chromium sends for a page, with a cookie. */
const browserGet = (page: string, session: string) =>
  `GET /?page=${page} HTTP/1.1\r\n${HOST}` +
  "Connection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n" +
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36\r\n" +
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
  "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n" +
  `Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\nCookie: session=${session}\r\n\r\n`;

const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");

const HELLO_WORLD = { content: HELLO, contentType: "text/plain" } as const satisfies Partial<Workload>;
const JSON_HELLO = { content: JSON.stringify({ message: HELLO }), contentType: "application/json" } as const;

const getFile = (name: string, ...fields: readonly string[]) => [
  [`GET /files/${name} HTTP/1.1`, "Host: 127.0.0.1:8080", ...fields, "", ""].join("\r\n"),
];

const textOf = (bytes: number) =>
  "All work and no play makes Jack a dull boy.\n".repeat(Math.ceil(bytes / 44)).slice(0, bytes);

const file = (name: string, title: string, bytes: number): Workload => {
  const content = textOf(bytes);
  const fileName = `${name}.txt`;
  const writes = getFile(fileName);
  return workload({ name, title, writes, content, contentType: "text/plain", files: { [fileName]: content } });
};

const handshake = (kind: "full" | "resumed", title: string): Workload =>
  workload({
    ...HELLO_WORLD,
    name: `handshake-${kind}`,
    title,
    writes: [PLAIN],
    transport: "tls",
    handshake: kind,
    connections: 16,
  });

const ONE_KB = file("1k", "A file of 1 KB", 1024);

/** Not repetitive, so that its compressed forms have the size of those of a real style sheet. */
const STYLE = Array.from({ length: 600 }, (_, i) => `.name${i} { order: ${(i * 7919) % 10_007} }\n`).join("");
const BROTLI = brotliCompressSync(STYLE).toString("latin1");
const GZIP = gzipSync(STYLE).toString("latin1");
const COMPRESSED = {
  contentType: "text/css",
  files: { "style.css": STYLE, "style.css.br": BROTLI, "style.css.gz": GZIP },
} as const;

export const WORKLOADS: readonly Workload[] = [
  workload({
    ...HELLO_WORLD,
    name: "plaintext",
    title: "Plaintext: a GET with one field, 13 bytes of content",
    writes: [PLAIN],
  }),
  workload({
    ...HELLO_WORLD,
    name: "pipelined",
    title: "The same, pipelined by 16",
    writes: [PLAIN.repeat(PIPELINED)],
    pipelined: PIPELINED,
  }),
  workload({
    ...HELLO_WORLD,
    name: "browser",
    title: "A GET with the dozen fields of a browser, always the same",
    writes: [browserGet("0000", hex(0, 32))],
  }),
  workload({
    ...HELLO_WORLD,
    name: "browser-varying",
    title: "The same, with varying target and cookie (64 in turn)",
    writes: Array.from({ length: 64 }, (_, index) => browserGet(hex(index, 4), hex(index * 0x1234567, 32))),
  }),
  workload({
    ...JSON_HELLO,
    name: "json",
    title: "JSON: 27 bytes, serialized each time",
    writes: [`GET /json HTTP/1.1\r\n${HOST}\r\n`],
  }),
  workload({
    name: "echo",
    title: "A POST of 200 bytes of JSON, parsed and serialized",
    writes: [
      `POST /echo HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${POSTED.length}\r\n\r\n${POSTED}`,
    ],
    content: POSTED,
    contentType: "application/json",
  }),
  workload({
    ...HELLO_WORLD,
    name: "tls",
    title: "Plaintext over TLS on persistent connections; node:http is node:https here",
    writes: [PLAIN],
    transport: "tls",
  }),
  handshake("full", "A TLS 1.3 handshake with a P-256 certificate, and one request"),
  handshake("resumed", "The same, resuming a session"),
  workload({
    ...HELLO_WORLD,
    name: "h2",
    title: "Plaintext over HTTP/2; node:http is node:http2 here",
    writes: [PLAIN],
    transport: "h2",
  }),
  workload({
    ...JSON_HELLO,
    name: "h2-json",
    title: "JSON over HTTP/2; node:http is node:http2 here",
    writes: [`GET /json HTTP/1.1\r\n${HOST}\r\n`],
    transport: "h2",
  }),
  ONE_KB,
  {
    ...ONE_KB,
    name: "not-modified",
    title: "The same, which the client has: 304",
    writes: getFile("1k.txt", "If-None-Match: *"),
    status: 304,
    content: "",
    contentType: "",
  },
  {
    ...ONE_KB,
    name: "range",
    title: "The first 500 bytes of it: 206",
    writes: getFile("1k.txt", "Range: bytes=0-499"),
    status: 206,
    content: textOf(500),
  },
  workload({
    ...COMPRESSED,
    name: "brotli",
    title: "A style sheet of 16 KB, compressed before: brotli for a browser",
    writes: getFile("style.css", "Accept-Encoding: gzip, deflate, br, zstd"),
    content: BROTLI,
  }),
  workload({
    ...COMPRESSED,
    name: "gzip",
    title: "The same, gzip",
    writes: getFile("style.css", "Accept-Encoding: gzip"),
    content: GZIP,
  }),
  {
    ...ONE_KB,
    name: "not-found",
    title: "A file that is not there: 404",
    writes: getFile("none.txt"),
    status: 404,
    content: null,
    contentType: "",
  },
  file("100k", "A file of 100 KB", 100 * 1024),
  { ...file("10m", "A file of 10 MB, to 8 connections", 10 * 1024 * 1024), connections: 8 },
  workload({
    ...HELLO_WORLD,
    name: "idle",
    title: "Plaintext with 5,000 idle connections",
    writes: [PLAIN],
    idleConnections: 5000,
  }),
];
