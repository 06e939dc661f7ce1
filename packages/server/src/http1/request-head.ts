/**
 * The head of a request (RFC 9112 §2 to §6), read line by line and strictly. A head is a string of Latin-1 characters, a byte each,
 * so that native string searches do the scanning.
 *
 * The first fault decides the refusal, in the order of the bytes: a byte that no head has at its place, a line that is complete and
 * wrong, a length beyond its limit. So the verdict is the same however the bytes were cut, and it comes as soon as it is certain.
 */
import { RequestError } from "./errors.ts";
import { CONNECTION, CONTENT_LENGTH, EXPECT, type Field, HOST, PLAIN, readField, TRANSFER_ENCODING } from "./fields.ts";
import { badTransferEncoding, contentLengthOf, expectsContinue, keepsAlive, readContentLength } from "./framing.ts";
import { FORBIDDEN_IN_VALUE, isAuthority, listContains } from "./grammar.ts";
import { checkRequestLineStart, forbiddenByte, readRequestLine, type RequestLine } from "./request-line.ts";

/** The limits of a request head. */
export interface HeadLimits {
  /** Longest head accepted, in bytes, from the request line to the empty line; beyond it 431. Default 16 KiB, as in node and h11. */
  readonly maxHeadBytes: number;
  /** Longest request target accepted, in bytes; beyond it 414. Default 8 KiB; RFC 9112 §3 recommends at least 8000. */
  readonly maxTargetBytes: number;
  /** Field lines accepted; beyond it 431. Default 100. Precedents: Apache 100, Go none, node 2000. */
  readonly maxFields: number;
}

/** The limits that a parser has where it is given none. */
export const DEFAULT_HEAD_LIMITS: HeadLimits = { maxHeadBytes: 16 * 1024, maxTargetBytes: 8 * 1024, maxFields: 100 };

/** The request line and the header section of a request, checked. */
export interface RequestHead {
  readonly kind: "request";
  /** As received; methods are case-sensitive. */
  readonly method: string;
  /** As received (RFC 9112 §3.2). */
  readonly target: string;
  /** 0 for HTTP/1.0, 1 for HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  /** Name, value, name, value, …: names in lower case, values without surrounding white space. */
  readonly fields: readonly string[];
  /** Host and port that the request is for; empty where an HTTP/1.0 client sent none. */
  readonly authority: string;
  /** Bytes of content to come; 0 where there is none. */
  readonly contentLength: number | "chunked";
  /** Whether the client would go on with this connection (RFC 9112 §9.3). */
  readonly keepAlive: boolean;
  /** Whether the client holds its content back until 100 (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The protocols of `Upgrade`, in lower case, where `Connection` names it too (RFC 9110 §7.8). */
  readonly upgrade: string | null;
}

/** The first field lines of a head, and what came of them: see `cache/header-prefix-cache.ts`. */
export interface HeaderPrefix {
  /** The lines with their CRLFs. */
  readonly text: string;
  readonly fields: readonly string[];
  readonly host: string | null;
  /** As {@link keepsAlive} takes it. */
  readonly connection: string;
}

/** Recognises the first field lines of a head. The parser needs none: this is where a cache may be put in. */
export interface PrefixLookup {
  /** The prefix that stands at an offset of a text, where it is known. */
  find(text: string, from: number): HeaderPrefix | null;
  /** The next line of a head whose prefix was not known. */
  add(field: Field, text: string, from: number, to: number): void;
  /** That head is complete. */
  learn(): void;
}

const CR = 13;

/** Reads one head after the other. */
export class HeadReader {
  readonly #limits: HeadLimits;
  readonly #prefixes: PrefixLookup | null;
  /** The offset behind the last line that was read. */
  position = 0;
  /** The method of the head that has begun or was refused; `null` where it has not been read. */
  method: string | null = null;
  /** How much of what stood behind `position` has been checked. */
  #checked = 0;
  #leadingLine = false;
  /** Bytes of this head that were read in earlier calls. */
  #bytes = 0;
  #line: RequestLine | null = null;
  #fields: string[] = [];
  #host: string | null = null;
  #length: number | null = null;
  #coding: string | null = null;
  #connection = "";
  #expect: string | null = null;
  #upgrade: string | null = null;
  #learning = false;

  constructor(limits: HeadLimits, prefixes: PrefixLookup | null) {
    this.#limits = limits;
    this.#prefixes = prefixes;
  }

  /** Whether a request line has been read, and the end of its head has not. */
  get begun(): boolean {
    return this.#line !== null;
  }

  /** Whether nothing has been read of the next head, nor the empty line before it. */
  get atStart(): boolean {
    return this.#line === null && !this.#leadingLine;
  }

  /**
   * Reads the complete lines of a text from an offset on, to the end of one head at most. The next call begins with what stands
   * behind {@link position}, and with more.
   * @returns the head, or `null` where its end has not come.
   * @throws RequestError
   */
  read(text: string, from: number): RequestHead | null {
    const room = this.#limits.maxHeadBytes - this.#bytes;
    let start = from;
    let at = from;
    try {
      for (;;) {
        const end = text.indexOf("\n", at) + 1;
        if (end === 0) break;
        if (end - start > room) throw this.#tooLarge();
        const isEmpty = end - at === 2 && text.charCodeAt(at) === CR;
        if (this.#line === null) {
          if (isEmpty && !this.#leadingLine) {
            // RFC 9112 §2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line
            // (CRLF) received prior to the request-line." We choose to ignore exactly one.
            this.#leadingLine = true;
            start = end;
            at = end;
          } else {
            at = this.#readFirstLine(text, at, end, room);
          }
        } else if (isEmpty) {
          const head = this.#end(this.#line);
          this.position = end;
          return head;
        } else {
          this.#readFieldLine(text, at, end);
          at = end;
        }
        this.#checked = 0;
      }
      this.#checkStart(text.slice(at), room - (at - start), this.#checked);
    } catch (error) {
      this.method ??= methodIn(text.slice(at));
      // A fault that an earlier byte of the same line has decides.
      const end = text.indexOf("\n", at) + 1;
      this.#checkStart(text.slice(at, end === 0 ? text.length : end), room - (at - start), 0);
      throw error;
    }
    this.#checked = text.length - at;
    this.#bytes += at - start;
    this.position = at;
    return null;
  }

  /**
   * Refuses the beginning of a line at the first byte that no such line has at that place.
   * @param room bytes that the head may still have.
   * @param from the first character that has not been checked.
   */
  #checkStart(start: string, room: number, from: number): void {
    const within = withoutLineEnd(start.length > room ? start.slice(0, room) : start);
    if (this.#line === null) checkRequestLineStart(within, this.#limits.maxTargetBytes);
    // A CR may have been the last one that was checked.
    else if (FORBIDDEN_IN_VALUE.test(within.slice(Math.max(0, from - 1)))) throw forbiddenByte();
    if (start.length > room) throw this.#tooLarge();
  }

  /** @returns the offset behind it, and behind the field lines that are known. */
  #readFirstLine(text: string, from: number, to: number, room: number): number {
    if (text.charCodeAt(to - 2) !== CR) throw forbiddenByte();
    this.#line = readRequestLine(text, from, to - 2, this.#limits.maxTargetBytes);
    this.method = this.#line.method;
    if (this.#prefixes === null) return to;
    const prefix = this.#prefixes.find(text, to);
    if (prefix === null || to - from + prefix.text.length > room) {
      this.#learning = true;
      return to;
    }
    this.#fields = prefix.fields.slice();
    this.#host = prefix.host;
    this.#connection = prefix.connection;
    return to + prefix.text.length;
  }

  #readFieldLine(text: string, from: number, to: number): void {
    const field = readField(text, from, to);
    if (field === null) {
      throw new RequestError(
        "BAD_FIELD_LINE",
        "A header line must be a name, a colon and a value (RFC 9112 section 5)",
      );
    }
    if (field.role !== PLAIN) this.#interpret(field, text, from, to);
    const fields = this.#fields;
    if (fields.length >= 2 * this.#limits.maxFields) {
      throw new RequestError("TOO_MANY_FIELDS", `There are more than ${this.#limits.maxFields} header fields`);
    }
    fields.push(field.name, field.value);
    if (this.#learning) this.#prefixes?.add(field, text, from, to);
  }

  #interpret({ role, value }: Field, text: string, from: number, to: number): void {
    switch (role) {
      case HOST:
        // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
        // lacks a Host header field and to any request message that contains more than one Host header field line or a Host
        // header field with an invalid field value."
        if (this.#host !== null) throw badHost("There is more than one Host field (RFC 9112 section 3.2)");
        if (!isAuthority(value))
          throw badHost("The Host field is not a host with an optional port (RFC 9110 section 7.2)");
        this.#host = value;
        break;
      case CONTENT_LENGTH:
        this.#length = readContentLength(value, this.#length);
        break;
      case TRANSFER_ENCODING:
        // RFC 9112 §5 allows a tab around a value; we choose not to where readers disagree about it and framing depends on it.
        if (text.slice(from, to).includes("\t")) throw badTransferEncoding();
        this.#coding = joined(this.#coding, value);
        break;
      case CONNECTION:
        this.#connection =
          this.#connection === "" ? value.toLowerCase() : joined(this.#connection, value.toLowerCase());
        break;
      case EXPECT:
        this.#expect = joined(this.#expect, value.toLowerCase());
        break;
      default:
        this.#upgrade = joined(this.#upgrade, value.toLowerCase());
    }
  }

  /** Checks what only a whole head shows. */
  #end({ method, target, minorVersion, authority }: RequestLine): RequestHead {
    const fields = this.#fields;
    const connection = this.#connection;
    const upgrade = this.#upgrade;
    if (this.#host === null && minorVersion === 1) throw badHost("The Host field is missing (RFC 9112 section 3.2)");
    const head: RequestHead = {
      kind: "request",
      method,
      target,
      minorVersion,
      fields,
      authority: authority ?? this.#host ?? "",
      contentLength: contentLengthOf(this.#length, this.#coding, minorVersion),
      keepAlive: keepsAlive(connection, minorVersion),
      expectsContinue: expectsContinue(this.#expect, minorVersion),
      upgrade: upgrade !== null && minorVersion === 1 && listContains(connection, "upgrade") ? upgrade : null,
    };
    // RFC 9112 §3.2.2: "When an origin server receives a request with an absolute-form of request-target, the origin server MUST
    // ignore the received Host header field (if any) and instead use the host information of the request-target."
    if (authority !== null) replaceHost(fields, authority);
    if (this.#learning) this.#prefixes?.learn();
    this.#reset();
    return head;
  }

  #reset(): void {
    this.method = null;
    this.#checked = 0;
    this.#leadingLine = false;
    this.#bytes = 0;
    this.#line = null;
    this.#fields = [];
    this.#host = null;
    this.#length = null;
    this.#coding = null;
    this.#connection = "";
    this.#expect = null;
    this.#upgrade = null;
    this.#learning = false;
  }

  #tooLarge(): RequestError {
    return new RequestError("HEAD_TOO_LARGE", `The request head is longer than ${this.#limits.maxHeadBytes} bytes`);
  }
}

/**
 * Reads one head that has been received in another way.
 * @param text its request line and field lines with their CRLFs, without the empty line.
 * @throws RequestError
 */
export function readHead(text: string, limits: HeadLimits): RequestHead {
  const reader = new HeadReader(limits, null);
  const whole = `${text}\r\n`;
  const head = reader.read(whole, 0);
  if (head === null || reader.position !== whole.length)
    throw new RequestError("BAD_FIELD_LINE", "The head is not one head");
  return head;
}

/** A CR without its LF may still be the beginning of a line's end. */
function withoutLineEnd(text: string): string {
  return text.endsWith("\r\n") ? text.slice(0, -2) : text.endsWith("\r") ? text.slice(0, -1) : text;
}

function joined(earlier: string | null, value: string): string {
  return earlier === null ? value : `${earlier}, ${value}`;
}

/** The first word of a request line, where its end has come; else an empty string. */
export function methodIn(line: string): string {
  return /^[^ \r\n]*(?= )/.exec(line)?.[0] ?? "";
}

function replaceHost(fields: string[], authority: string): void {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === "host") fields[i + 1] = authority;
}

function badHost(message: string): RequestError {
  return new RequestError("BAD_HOST", message);
}
