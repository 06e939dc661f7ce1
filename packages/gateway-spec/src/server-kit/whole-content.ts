/**
 * Short content mostly arrives with its head. A body reader takes it then as one piece, without the promises of an iteration.
 *
 * Measured (CPU per request of the socket server, a POST of 200 bytes of JSON, paired runs): 18% less (12.5 to 10.2 µs),
 * together with the server's part, which gives such content to the body before the handler runs.
 */

/**
 * All content of a body that has arrived in one piece and has no reader. The body counts as read then.
 * @returns `null` where it has to be iterated over.
 */
export function takeWhole(body: AsyncIterable<Uint8Array>): Uint8Array | null {
  // A body of another copy of this package, or of another server, may have no such method.
  const { takeWhole: take } = body as { readonly takeWhole?: () => Uint8Array | null };
  return typeof take === "function" ? take.call(body) : null;
}
