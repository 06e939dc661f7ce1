/** Recognises WebSocket handshakes (RFC 6455 §4.2.1). */
import type { Exchange, HeaderView, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { TOKEN } from "@tsgi/gateway-spec/server-kit";

export interface Handshake {
  readonly key: string;
  /** The subprotocols that the client offers, by preference. */
  readonly protocols: readonly string[];
}

/** A nonce of 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * @returns the handshake; `unsupported-version` for one of another version than 13; `null` for a request that is no handshake or a
 * malformed one, which is an ordinary request.
 */
export function readHandshake(request: IncomingRequest, exchange: Exchange): Handshake | "unsupported-version" | null {
  const { headers } = request;
  if (request.method !== "GET" || exchange.protocol !== "1.1" || request.body !== null) return null;
  if (!hasMember(headers, "connection", "upgrade") || !hasMember(headers, "upgrade", "websocket")) return null;
  if (headers.get("sec-websocket-version") !== "13") return "unsupported-version";
  const key = headers.get("sec-websocket-key") ?? "";
  const protocols = members(headers, "sec-websocket-protocol");
  return KEY.test(key) && areProtocols(protocols) ? { key, protocols } : null;
}

/** RFC 6455 §4.1: subprotocols have no separators, and "MUST all be unique strings". */
function areProtocols(protocols: readonly string[]): boolean {
  return protocols.every((protocol) => TOKEN.test(protocol)) && new Set(protocols).size === protocols.length;
}

/** RFC 6455 §4.2.2 and §4.4: the response to a handshake of another version names the version that the server supports. */
export const UNSUPPORTED_VERSION: OutgoingResponse = Object.freeze({
  status: 426,
  headers: Object.freeze({
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "content-type": "text/plain; charset=utf-8",
  }),
  body: "This server supports version 13 of the WebSocket protocol.\n",
});

function hasMember(headers: HeaderView, name: string, member: string): boolean {
  return members(headers, name).some((item) => item.toLowerCase() === member);
}

/** The members of a list (RFC 9110 §5.6.1), without empty ones. */
function members(headers: HeaderView, name: string): readonly string[] {
  const value = headers.get(name);
  if (value === null) return [];
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
