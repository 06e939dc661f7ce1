/** Path and query as received: a parsed URL would resolve `..` and encode anew. */

/** The parts of an absolute URL without a fragment; the query without its question mark. */
export function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const authority = url.indexOf("://") + 3;
  const questionMark = url.indexOf("?", authority);
  const end = questionMark === -1 ? url.length : questionMark;
  const slash = url.indexOf("/", authority);
  return { path: slash === -1 || slash > end ? "/" : url.slice(slash, end), query: url.slice(end + 1) };
}

/** The bytes that a path stands for. What is no percent-triplet stays. */
export function percentDecode(path: string): Buffer {
  const characters = path.replaceAll(/%([0-9a-f]{2})/gi, (_triplet, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(characters, "latin1");
}
