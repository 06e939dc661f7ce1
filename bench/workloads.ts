/** The requests that each server receives, byte by byte, and the expected responses. */

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** Each string is one write. A connection sends them in turn. All have equal length. */
  readonly writes: readonly string[];
  /** Requests in one write. */
  readonly pipelined: number;
  /** Of each response. */
  readonly status: 200 | 206 | 304;
  /** The content of each response, and the start of its Content-Type; both empty where the status has none. */
  readonly content: string;
  readonly contentType: string;
  /** Additional open connections, idle after one exchange each. */
  readonly idleConnections: number;
  /** The file that the response contains, or null. Only servers of files take part in workloads with a file. */
  readonly file: string | null;
  /** Whether it runs over TLS, for servers that are configured for it. */
  readonly tls: boolean;
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

const HELLO_WORLD = {
  pipelined: 1,
  status: 200,
  content: HELLO,
  contentType: "text/plain",
  idleConnections: 0,
  file: null,
  tls: false,
} as const satisfies Partial<Workload>;

const file = (name: string, title: string, bytes: number): Workload => ({
  ...HELLO_WORLD,
  name,
  title,
  writes: [`GET /files/${name}.txt HTTP/1.1\r\n${HOST}\r\n`],
  content: "All work and no play makes Jack a dull boy.\n".repeat(Math.ceil(bytes / 44)).slice(0, bytes),
  file: `${name}.txt`,
});

export const WORKLOADS: readonly Workload[] = [
  { ...HELLO_WORLD, name: "plaintext", title: "Plaintext: a GET with one field, 13 bytes of content", writes: [PLAIN] },
  {
    ...HELLO_WORLD,
    name: "pipelined",
    title: "The same, pipelined by 16",
    writes: [PLAIN.repeat(PIPELINED)],
    pipelined: PIPELINED,
  },
  {
    ...HELLO_WORLD,
    name: "browser",
    title: "A GET with the dozen fields of a browser, always the same",
    writes: [browserGet("0000", hex(0, 32))],
  },
  {
    ...HELLO_WORLD,
    name: "browser-varying",
    title: "The same, with varying target and cookie (64 in turn)",
    writes: Array.from({ length: 64 }, (_, index) => browserGet(hex(index, 4), hex(index * 0x1234567, 32))),
  },
  {
    ...HELLO_WORLD,
    name: "json",
    title: "JSON: 27 bytes, serialized each time",
    writes: [`GET /json HTTP/1.1\r\n${HOST}\r\n`],
    content: JSON.stringify({ message: HELLO }),
    contentType: "application/json",
  },
  {
    ...HELLO_WORLD,
    name: "echo",
    title: "A POST of 200 bytes of JSON, parsed and serialized",
    writes: [
      `POST /echo HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${POSTED.length}\r\n\r\n${POSTED}`,
    ],
    content: POSTED,
    contentType: "application/json",
  },
  {
    ...HELLO_WORLD,
    name: "tls",
    title: "Plaintext over TLS on persistent connections; node:http is node:https here",
    writes: [PLAIN],
    tls: true,
  },
  file("1k", "A file of 1 KB", 1024),
  {
    ...file("1k", "The same, which the client has: 304", 1024),
    name: "not-modified",
    writes: [`GET /files/1k.txt HTTP/1.1\r\n${HOST}If-None-Match: *\r\n\r\n`],
    status: 304,
    content: "",
    contentType: "",
  },
  {
    ...file("1k", "The first 500 bytes of it: 206", 500),
    name: "range",
    writes: [`GET /files/1k.txt HTTP/1.1\r\n${HOST}Range: bytes=0-499\r\n\r\n`],
    status: 206,
  },
  file("100k", "A file of 100 KB", 100 * 1024),
  {
    ...HELLO_WORLD,
    name: "idle",
    title: "Plaintext with 5,000 idle connections",
    writes: [PLAIN],
    idleConnections: 5000,
  },
];
