/** Field lines of a header or trailer section (RFC 9112 §5). */
import { TOKEN, trimmed } from "./grammar.ts";

/** What a field means to the codec. `PLAIN` is every field that it hands on and does not interpret. */
export const PLAIN = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const EXPECT = 5;
export const UPGRADE = 6;

const ROLES: Readonly<Record<string, number>> = {
  host: HOST,
  "content-length": CONTENT_LENGTH,
  "transfer-encoding": TRANSFER_ENCODING,
  connection: CONNECTION,
  expect: EXPECT,
  upgrade: UPGRADE,
};

interface FieldName {
  /** In lower case. */
  readonly name: string;
  readonly role: number;
}

/** Names that most requests have. Looking one up costs less than checking and lowering it. */
const USUAL_NAMES: readonly string[] = [
  "Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Length",
  "Content-Type Cookie Expect Host If-Modified-Since If-None-Match Origin Pragma Priority Range Referer",
  "Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User TE Traceparent Transfer-Encoding Upgrade",
  "Upgrade-Insecure-Requests User-Agent X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto X-Real-IP",
  "X-Request-ID X-Requested-With",
].flatMap((line) => line.split(" "));

/** By their usual spellings. */
const FIELD_NAMES: ReadonlyMap<string, FieldName> = new Map(
  USUAL_NAMES.flatMap((spelling) => {
    const name = spelling.toLowerCase();
    const entry = { name, role: ROLES[name] ?? PLAIN };
    return [
      [spelling, entry],
      [name, entry],
    ];
  }),
);

export interface Field {
  /** In lower case. */
  readonly name: string;
  /** Without surrounding white space. */
  readonly value: string;
  readonly role: number;
}

/** RFC 9110 §5.5. A search for the characters that are allowed is the faster loop in V8. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const CR = 13;

/** Reads the field line that stands between two offsets of a text, its CRLF included. Gives `null` where it is not a field line. */
export function readField(text: string, from: number, to: number): Field | null {
  const colon = text.indexOf(":", from);
  if (colon === -1 || colon >= to || text.charCodeAt(to - 2) !== CR) return null;
  // No white space before the colon and no obs-fold: neither is part of a token (RFC 9112 §5.1, §5.2).
  const fieldName = nameOf(text.slice(from, colon));
  if (fieldName === null) return null;
  const value = trimmed(text, colon + 1, to - 2);
  return FIELD_VALUE.test(value) ? { name: fieldName.name, value, role: fieldName.role } : null;
}

/** The name of a spelling, or `null` where it is not a token. */
function nameOf(spelling: string): FieldName | null {
  const usual = FIELD_NAMES.get(spelling);
  if (usual !== undefined) return usual;
  if (!TOKEN.test(spelling)) return null;
  const name = spelling.toLowerCase();
  return { name, role: Object.hasOwn(ROLES, name) ? (ROLES[name] ?? PLAIN) : PLAIN };
}
