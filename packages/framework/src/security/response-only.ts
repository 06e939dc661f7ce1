/** Middleware that changes nothing but responses, and so is safe in front of the CSRF check. */

const marked = new WeakSet<object>();

/** Marks a middleware. It must not respond to an unsafe request without `next`. */
export function responseOnly<Layer extends object>(layer: Layer): Layer {
  marked.add(layer);
  return layer;
}

export function isResponseOnly(layer: object): boolean {
  return marked.has(layer);
}
