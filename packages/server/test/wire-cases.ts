/** Reads the wire cases of `test/wire/` (its README defines the format), and describes the events of a parser in the same format. */
import { readdirSync, readFileSync } from "node:fs";
import { RequestError, RequestParser, type RequestHead } from "../src/http1/index.ts";

export interface WireCase {
  readonly file: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly expected: readonly string[];
}

const FOLDER = new URL("wire/", import.meta.url);

export const WIRE_CASES: readonly WireCase[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".txt"))
  .toSorted()
  .flatMap((file) => parseFile(file, readFileSync(new URL(file, FOLDER), "utf8")));

function parseFile(file: string, text: string): WireCase[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((block) => {
      const [name = "", ...lines] = block.split("\n");
      const sent = lines.filter((line) => line.startsWith("> ")).map((line) => unescape(line.slice(2)));
      const expected = lines.filter((line) => line.startsWith("= ")).map((line) => expand(line.slice(2)));
      return { file, name, bytes: Buffer.from(sent.join(""), "latin1"), expected };
    });
}

function unescape(text: string): string {
  const names: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "\\": "\\", '"': '"' };
  return expand(text).replaceAll(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, name: string) =>
    hex === undefined ? (names[name] ?? `\\${name}`) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function expand(text: string): string {
  return text.replaceAll(/\{(.)\*([0-9]+)\}/g, (_, char: string, count: string) => char.repeat(Number(count)));
}

/** Feeds the pieces to a parser and records its events; adjacent data is joined, so that the split is not visible. */
export function transcript(pieces: Iterable<Buffer>, parser: RequestParser = new RequestParser()): string[] {
  const lines: string[] = [];
  let data = "";
  const say = (line: string) => {
    if (data !== "") lines.push(`data ${data}`);
    data = "";
    lines.push(line);
  };
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (let event = parser.next(); event !== null; event = parser.next()) {
        if (event.kind === "request") say(describeHead(event));
        else if (event.kind === "data") data += event.bytes.toString("latin1");
        else say(`end ${pairs(event.trailers)}`.trim());
      }
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    say(`refused ${error.status} ${error.code}`);
    if (parser.next() !== null) lines.push("and went on");
  }
  if (data !== "") lines.push(`data ${data}`);
  return lines;
}

function describeHead(head: RequestHead): string {
  const framing = head.contentLength === 0 ? "none" : head.contentLength;
  const words = [`request ${head.method} ${head.target} 1.${head.minorVersion} ${framing}`];
  if (!head.keepAlive) words.push("close");
  if (head.expectsContinue) words.push("expects");
  if (head.upgrade !== null) words.push(`upgrade:${head.upgrade}`);
  return `${words.join(" ")}\n${pairs(head.fields)}`;
}

function pairs(fields: readonly string[]): string {
  const list: string[] = [];
  for (let i = 0; i < fields.length; i += 2) list.push(`${fields[i]}: ${fields[i + 1]}`);
  return list.join("; ");
}

/** Removes the fields that the case does not name from a transcript. */
export function asExpected(lines: readonly string[], expected: readonly string[]): string[] {
  const result: string[] = [];
  for (const line of lines) {
    const [head = "", fields] = line.split("\n");
    result.push(head);
    if (fields === undefined) continue;
    for (let next = expected[result.length]; next?.startsWith("field ") === true; next = expected[result.length]) {
      const wanted = unescape(next.slice(6));
      result.push(fields.split("; ").includes(wanted) ? next : `field not among ${fields}`);
    }
  }
  return result;
}
