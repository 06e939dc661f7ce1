/**
 * Sessions: data of one visitor from request to request. By default the data is in the cookie, encrypted and signed, and the server
 * keeps nothing; with a store the cookie holds an id only. A session loads when a route needs it and is written with the response.
 */
import { createHash, randomBytes } from "node:crypto";
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { expireCookie, readCookies, writeCookie, type CookieOptions } from "../cookies/cookies.ts";
import { createSealer, type Keys } from "../cookies/signing.ts";
import { fieldLines, fieldOf, withFields, type FieldLine } from "../response-fields.ts";
import type { BareContext } from "../types.ts";
import { compileCheck } from "../validation/compile.ts";
import type { OutputOf, Schema } from "../validation/schema.ts";

/** Keys, data and lifetime of the sessions of an application. */
export interface SessionOptions<Data extends Schema> {
  /** At least one key of 32 characters. The first one encrypts; all decrypt, so keys can be rotated. */
  readonly keys: Keys;
  /**
   * What a session holds, as JSON. Stored data that does not fit any more, such as after an upgrade, counts as no session; new data
   * that does not come back from JSON as the schema wants it is an error.
   */
  readonly data: Data;
  /** Where the data is. Default: in the cookie, which limits it to some 2,800 bytes of JSON. */
  readonly store?: SessionStore;
  /** How long a session lasts without a request, in seconds. Default 1,209,600, two weeks. */
  readonly maxAgeSeconds?: number;
  /** Name of the cookie, without a prefix. Default `session`. */
  readonly name?: string;
  /**
   * Whether the cookie goes over HTTPS only, with the `__Host-` prefix. Default true: Chrome and Firefox make an exception for
   * `localhost`. Set false for Safari, which makes none (WebKit bug 281149), and where the site is plain HTTP on another host.
   */
  readonly secure?: boolean;
}

/** Where session data is, by the hash of the id in the cookie. */
export interface SessionStore {
  /** The data that was written under the key and has not expired, or `null`. */
  read(key: string): Promise<string | null>;
  /** @param expiresAt in milliseconds since 1970. */
  write(key: string, data: string, expiresAt: number): Promise<void>;
  /** Removes a session. One that does not exist is no error. */
  remove(key: string): Promise<void>;
}

/** The session of the visitor who sent the request. */
export interface Session<Data> {
  /** `null` where no session was started. */
  readonly data: Data | null;
  /** Starts a session, such as at a login. It gets a new id, so that an id that an attacker planted before is worth nothing. */
  start(data: Data): void;
  /** Replaces the data of the session. @throws TypeError where none was started. */
  set(data: Data): void;
  /** Ends the session. Flash messages survive it. */
  end(): void;
  /** Keeps a message for the next page, such as after a redirect. */
  flash(message: string): void;
  /** The messages of earlier requests, in order. They are given once. */
  takeFlashes(): readonly string[];
}

/** What is written: the data, the messages and when it was written. */
interface Content {
  readonly data: unknown;
  readonly flashes: readonly string[];
  readonly writtenAt: number;
}

/** Browsers drop a cookie whose name, value and attributes are longer than this, in bytes (RFC 6265bis §5.6). */
const MAX_COOKIE_BYTES = 4096;

/** A session that is used is written again after this part of its time, so that not every response sets a cookie. */
const RENEW_AFTER = 0.1;

/**
 * A need that gives the session: `needs: { session: sessions({ keys, data: z.object({ userId: z.number() }) }) }`.
 * @throws TypeError for a key of fewer than 32 characters.
 */
export function sessions<Data extends Schema>(
  options: SessionOptions<Data>,
): (context: BareContext) => Promise<Session<OutputOf<Data>>> {
  const { store, maxAgeSeconds = 1_209_600, secure = true } = options;
  const name = `${secure ? "__Host-" : ""}${options.name ?? "session"}`;
  const check = compileCheck(options.data);
  const sealer = createSealer(options.keys, `session ${name}`);
  const cookieOptions: CookieOptions = { secure, maxAgeSeconds };
  const maxAgeMs = maxAgeSeconds * 1000;

  const load = async (cookie: string): Promise<{ readonly id: string | null; readonly content: Content | null }> => {
    const opened = sealer.unseal(cookie);
    if (opened === null) return { id: null, content: null };
    const id = store === undefined ? null : opened;
    const json = store === undefined ? opened : await store.read(keyOf(opened));
    const content = json === null ? null : (JSON.parse(json) as Content);
    return { id, content: content !== null && content.writtenAt + maxAgeMs > Date.now() ? content : null };
  };

  const write = async (id: string | null, content: Content): Promise<string> => {
    const json = JSON.stringify(content);
    await assertReadable((JSON.parse(json) as Content).data);
    if (store === undefined || id === null) {
      const line = writeCookie(name, sealer.seal(json), cookieOptions);
      if (Buffer.byteLength(line) > MAX_COOKIE_BYTES) {
        throw new RangeError(
          `The session cookie has ${Buffer.byteLength(line)} bytes, and browsers drop one of more than ${MAX_COOKIE_BYTES}: ` +
            "keep an id in the session instead of the data, or give sessions() a store",
        );
      }
      return line;
    }
    await store.write(keyOf(id), json, content.writtenAt + maxAgeMs);
    return writeCookie(name, sealer.seal(id), cookieOptions);
  };

  /** @throws TypeError for data that the next request would take for no session: a Date, for example, is text in JSON. */
  const assertReadable = async (data: unknown): Promise<void> => {
    const checked = data === null ? null : await check(data);
    if (checked === null || "value" in checked) return;
    const list = checked.mistakes.map(
      ({ field, message }) => `${field === "" ? "the data" : `"${field}"`}: ${message}`,
    );
    throw new TypeError(
      `The session data does not match its schema once it is JSON (${list.join("; ")}): keep strings, numbers and booleans, or ` +
        "read the text in the schema, such as by z.coerce.date()",
    );
  };

  return async (context) => {
    const cookie = readCookies(context.request).get(name) ?? null;
    const loaded = cookie === null ? { id: null, content: null } : await load(cookie);
    const { content } = loaded;
    const checked = content === null || content.data === null ? null : await check(content.data);
    const state: SessionState<OutputOf<Data>> = {
      // The schema has checked it.
      data: checked !== null && "value" in checked ? (checked.value as OutputOf<Data>) : null,
      flashes: content?.flashes ?? [],
      isChanged: content !== null && Date.now() - content.writtenAt > maxAgeMs * RENEW_AFTER,
      isNewId: false,
    };
    context.after(async (response) => {
      if (!state.isChanged) return withCookie(response, null);
      const oldId = loaded.id;
      if (store !== undefined && oldId !== null && content !== null && !state.isNewId) {
        // Another request may have ended the session while the handler ran. A write would start it again.
        if ((await store.read(keyOf(oldId))) === null) return withCookie(response, null);
      }
      const isEmpty = state.data === null && state.flashes.length === 0;
      if (store !== undefined && oldId !== null && (isEmpty || state.isNewId)) await store.remove(keyOf(oldId));
      if (isEmpty) return withCookie(response, cookie === null ? null : expireCookie(name, { secure }));
      const id = store === undefined ? null : state.isNewId || oldId === null ? newId() : oldId;
      const { data, flashes } = state;
      return withCookie(response, await write(id, { data, flashes, writtenAt: Date.now() }));
    });
    return createSession(state);
  };
}

interface SessionState<Data> {
  data: Data | null;
  flashes: readonly string[];
  isChanged: boolean;
  isNewId: boolean;
}

function createSession<Data>(state: SessionState<Data>): Session<Data> {
  const change = (changes: Partial<SessionState<Data>>) => {
    Object.assign(state, changes, { isChanged: true });
  };
  return {
    get data() {
      return state.data;
    },
    start: (data) => {
      change({ data, isNewId: true });
    },
    set: (data) => {
      if (state.data === null) throw new TypeError("There is no session to change: call start() first");
      change({ data });
    },
    end: () => {
      change({ data: null, isNewId: true });
    },
    flash: (message) => {
      change({ flashes: [...state.flashes, message] });
    },
    takeFlashes: () => {
      const { flashes } = state;
      if (flashes.length > 0) change({ flashes: [] });
      return flashes;
    },
  };
}

/** A page that depends on a session must not be given to another visitor by a cache (RFC 9111 §5.2.2.7). */
function withCookie(response: OutgoingResponse, cookie: string | null): OutgoingResponse {
  const lines = fieldLines(response.headers);
  const added: FieldLine[] = cookie === null ? [] : [["set-cookie", cookie]];
  if (fieldOf(lines, "cache-control") === null) added.push(["cache-control", "private, no-cache"]);
  return added.length === 0 ? response : withFields(response, [...lines, ...added]);
}

function newId(): string {
  return randomBytes(32).toString("base64url");
}

/** The store holds no id that a cookie could carry, so a leaked table opens no session. */
function keyOf(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}
