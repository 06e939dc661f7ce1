/** Path and query as received. `new URL()` would resolve `..` and encode characters. */

/** Splits an absolute URL without a fragment. The query has no question mark. */
export function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const authority = url.indexOf("://") + 3;
  const questionMark = url.indexOf("?", authority);
  const end = questionMark === -1 ? url.length : questionMark;
  const slash = url.indexOf("/", authority);
  return { path: slash === -1 || slash > end ? "/" : url.slice(slash, end), query: url.slice(end + 1) };
}

/** Decodes the percent-encoded octets of a path. A percent sign without two hex digits is kept. */
export function percentDecode(path: string): Buffer {
  const characters = path.replaceAll(/%([0-9a-f]{2})/gi, (_triplet, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(characters, "latin1");
}
