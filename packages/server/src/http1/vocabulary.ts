/** What the heads of all connections have in common: field names and field lines, each checked once. */
import { copied, isAuthority, TOKEN, trimmed } from "./text.ts";

/** What a known field name means to the framing; 0 is for all others. */
export const PLAIN = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const EXPECT = 5;
export const UPGRADE = 6;

interface FieldName {
  readonly spelling: string;
  /** In lower case. */
  readonly name: string;
  readonly role: number;
  /** Whether lines of this name may be remembered. */
  readonly remembered: boolean;
  /** How many lines of this name were not known. */
  misses: number;
}

export interface FieldLine {
  /** The whole line with its CRLF, where it is remembered. */
  readonly text: string;
  readonly name: string;
  /** Without surrounding white space. */
  readonly value: string;
  readonly role: number;
  /** What it says to the framing: the lower-case value of a list, a host, or "" where that is none. */
  readonly word: string;
}

const ROLES: ReadonlyMap<string, number> = new Map([
  ["host", HOST],
  ["content-length", CONTENT_LENGTH],
  ["transfer-encoding", TRANSFER_ENCODING],
  ["connection", CONNECTION],
  ["expect", EXPECT],
  ["upgrade", UPGRADE],
]);

/**
 * Names whose lines are remembered beyond their request: those that many clients send alike. All others could hold what one client
 * knows and the next one must not find out, by how long the comparison takes.
 */
const SHARED: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "connection",
  "content-type",
  "dnt",
  "host",
  "origin",
  "pragma",
  "priority",
  "sec-ch-ua",
  "sec-ch-ua-mobile",
  "sec-ch-ua-platform",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "sec-gpc",
  "te",
  "upgrade-insecure-requests",
  "user-agent",
]);

/** RFC 9110 §5.5. Written as what is good, as {@link FORBIDDEN_IN_VALUE} is not: for the engine that is the faster loop. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const MAX_NAMES = 512;
const MAX_NAME_LENGTH = 40;
const LINE_SLOTS = 1024;
const MAX_LINE_LENGTH = 256;

const CR = 13;

/** Of so many unknown lines of one name, one is remembered: to remember costs more than to read, and some are never sent again. */
const MISSES_PER_LINE = 8;

/**
 * Names are kept as they are spelled on the wire, and lines as a whole: what stands in a slot was checked when it came there, so that
 * one comparison takes the place of reading it. Bounded: a client that invents some only misses them. A slot is found by length and
 * letters, for hashing a string costs more than comparing it.
 */
export class Vocabulary {
  readonly #names = new Map<string, FieldName>();
  readonly #slots: (FieldName | undefined)[] = Array.from({ length: MAX_NAMES }, () => undefined);
  readonly #lines: (FieldLine | undefined)[] = Array.from({ length: LINE_SLOTS }, () => undefined);

  /** The field line that stands between two places of a text, its CRLF included, or `null` where it is none. */
  line(text: string, from: number, to: number): FieldLine | null {
    const length = to - from;
    const slot = (length * 37 + text.charCodeAt(from) * 5 + text.charCodeAt(to - 3)) & (LINE_SLOTS - 1);
    const likely = this.#lines[slot];
    // Fast path: the very bytes of a line that was read before mean what they meant then.
    if (likely !== undefined && likely.text.length === length && text.slice(from, to) === likely.text) return likely;
    return this.#readLine(text, from, to, slot);
  }

  #readLine(text: string, from: number, to: number, slot: number): FieldLine | null {
    const colon = text.indexOf(":", from);
    if (colon === -1 || colon > to || text.charCodeAt(to - 2) !== CR) return null;
    // No white space before the colon, no obs-fold: neither is a token (RFC 9112 §5.1, §5.2).
    const field = this.name(text, from, colon);
    if (field === null) return null;
    const value = trimmed(text, colon + 1, to - 2);
    if (!FIELD_VALUE.test(value)) return null;
    if (!field.remembered || to - from > MAX_LINE_LENGTH || field.misses++ % MISSES_PER_LINE !== 0) {
      return fieldLine("", field, value);
    }
    // What is kept must not hold a whole head's string alive.
    const line = fieldLine(copied(text.slice(from, to)), field, copied(value));
    this.#lines[slot] = line;
    return line;
  }

  /** The entry of the name that stands between two places of a text, or `null` where it is no token. */
  name(text: string, from: number, to: number): FieldName | null {
    const slot = ((to - from) * 37 + text.charCodeAt(from) * 5 + text.charCodeAt(to - 1)) & (MAX_NAMES - 1);
    const likely = this.#slots[slot];
    const spelling = text.slice(from, to);
    if (likely !== undefined && likely.spelling === spelling) return likely;
    const known = this.#names.get(spelling);
    if (known === undefined) return this.#newName(spelling);
    this.#slots[slot] = known;
    return known;
  }

  #newName(text: string): FieldName | null {
    if (!TOKEN.test(text)) return null;
    const kept = this.#names.size < MAX_NAMES && text.length <= MAX_NAME_LENGTH;
    const spelling = copied(text);
    const name = internalized(text.toLowerCase());
    const remembered = kept && SHARED.has(name);
    const entry = { spelling, name, role: ROLES.get(name) ?? PLAIN, remembered, misses: 0 };
    if (kept) this.#names.set(spelling, entry);
    return entry;
  }
}

/** The engine's one copy of a string, which literals are too: of two such, who asks for a field by name compares no characters. */
function internalized(text: string): string {
  return Object.keys({ [text]: true })[0] ?? text;
}

function fieldLine(text: string, { name, role }: FieldName, value: string): FieldLine {
  return { text, name, value, role, word: wordOf(role, value) };
}

function wordOf(role: number, value: string): string {
  if (role === HOST) return isAuthority(value) ? value : "";
  return role === CONNECTION || role === EXPECT || role === UPGRADE ? value.toLowerCase() : "";
}
