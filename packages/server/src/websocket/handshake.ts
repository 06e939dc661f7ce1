/** Which requests are WebSocket handshakes (RFC 6455 §4.2.1). */
import type { Exchange, HeaderView, IncomingRequest } from "@tsgi/gateway-spec";

export interface Handshake {
  readonly key: string;
  /** The subprotocols that the client offers, by preference. */
  readonly protocols: readonly string[];
}

/** A nonce of 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * The handshake, or `null` where the request is none, or a broken one: such a request is an ordinary one, and the application's
 * to answer. The only version known here is 13.
 */
export function readHandshake(request: IncomingRequest, exchange: Exchange): Handshake | null {
  const { headers } = request;
  if (request.method !== "GET" || exchange.protocol !== "1.1" || request.body !== null) return null;
  if (!lists(headers, "connection", "upgrade") || !lists(headers, "upgrade", "websocket")) return null;
  const key = headers.get("sec-websocket-key") ?? "";
  if (!KEY.test(key) || headers.get("sec-websocket-version") !== "13") return null;
  return { key, protocols: members(headers, "sec-websocket-protocol") };
}

function lists(headers: HeaderView, name: string, member: string): boolean {
  return members(headers, name).some((item) => item.toLowerCase() === member);
}

/** RFC 9110 §5.6.1: a list with empty members skipped. */
function members(headers: HeaderView, name: string): readonly string[] {
  const value = headers.get(name);
  if (value === null) return [];
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
