/** What a page's Content-Security-Policy lets its script do (https://www.w3.org/TR/CSP3/). */

/** How the script element must be written. */
export interface Permission {
  readonly nonce: string | null;
}

/**
 * Whether a page may have an external script of its own origin that connects to an event stream of that origin.
 * @param policy the field's value; several policies are separated by commas, and all of them apply.
 * @returns `null` if the page may not.
 */
export function allowsReload(policy: string | null): Permission | null {
  let nonce: string | null = null;
  for (const directives of (policy ?? "").split(",").map(parse)) {
    const permission = allow(directives);
    if (permission === null || (nonce !== null && permission.nonce !== null && nonce !== permission.nonce)) return null;
    nonce ??= permission.nonce;
  }
  return { nonce };
}

type Directives = ReadonlyMap<string, readonly string[]>;

/** Of two directives with one name, the first applies. */
function parse(policy: string): Directives {
  const directives = new Map<string, readonly string[]>();
  for (const directive of policy.split(";")) {
    const [name = "", ...values] = directive.trim().split(/\s+/);
    const key = name.toLowerCase();
    if (!directives.has(key)) directives.set(key, values);
  }
  return directives;
}

function allow(directives: Directives): Permission | null {
  const fallback = directives.get("default-src");
  const scripts = directives.get("script-src-elem") ?? directives.get("script-src") ?? fallback;
  const connections = directives.get("connect-src") ?? fallback;
  if (directives.get("sandbox")?.includes("allow-scripts") === false) return null;
  if (!includesSelf(connections)) return null;
  if (includesSelf(scripts) && scripts?.includes("'strict-dynamic'") !== true) return { nonce: null };
  const nonce = scripts?.find((source) => source.startsWith("'nonce-"))?.slice(7, -1);
  return nonce === undefined || !/^[\w+/=-]+$/.test(nonce) ? null : { nonce };
}

function includesSelf(sources: readonly string[] | undefined): boolean {
  return sources === undefined || sources.includes("'self'") || sources.includes("*");
}
