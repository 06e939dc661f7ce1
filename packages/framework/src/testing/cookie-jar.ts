/** The cookies of one site, kept as a browser keeps them (RFC 6265bis §5.7, §5.8), for a client of tests. */
import { parseSetCookie, stringifyCookie } from "cookie";

interface Kept {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/** The cookies of a test client: it keeps what responses set, and sends what fits the URL of a request. */
export class CookieJar {
  readonly #cookies = new Map<string, Kept>();

  /** The value of a cookie, of the longest path where there are several; `undefined` where there is none. */
  get(name: string): string | undefined {
    return this.#byPathLength().find((cookie) => cookie.name === name)?.value;
  }

  /** Keeps a cookie for all paths, as if the site had set it. */
  set(name: string, value: string): void {
    this.#keep({ name, value, path: "/" });
  }

  clear(): void {
    this.#cookies.clear();
  }

  /** Takes in the `Set-Cookie` lines of a response to a request for `path`. */
  receive(lines: readonly string[], path: string): void {
    for (const line of lines) {
      const { name, value = "", path: given, maxAge, expires } = parseSetCookie(line);
      const cookie = { name, value, path: given?.startsWith("/") === true ? given : defaultPath(path) };
      const isExpired = maxAge === undefined ? expires !== undefined && expires.getTime() <= Date.now() : maxAge <= 0;
      if (isExpired) this.#cookies.delete(keyOf(cookie));
      else this.#keep(cookie);
    }
  }

  /** The `Cookie` field of a request for `path`, or `null`. */
  fieldFor(path: string): string | null {
    const matching = this.#byPathLength().filter((cookie) => pathMatches(path, cookie.path));
    if (matching.length === 0) return null;
    // One at a time: two cookies may share a name.
    return matching.map(({ name, value }) => stringifyCookie({ [name]: value })).join("; ");
  }

  #keep(cookie: Kept): void {
    this.#cookies.set(keyOf(cookie), cookie);
  }

  #byPathLength(): readonly Kept[] {
    return [...this.#cookies.values()].toSorted((a, b) => b.path.length - a.path.length);
  }
}

function keyOf({ name, path }: Kept): string {
  return `${name}\n${path}`;
}

/** RFC 6265bis §5.1.4: the folder of the request's path. */
function defaultPath(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}

function pathMatches(path: string, cookiePath: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith("/") ? cookiePath : `${cookiePath}/`);
}
