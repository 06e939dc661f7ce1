/** The client's side of RFC 6455 for the cases: the handshake, and masked frames that each hold a whole message. */
import { createHash, randomBytes } from "node:crypto";
import { ConformanceError, equal } from "./expect.ts";
import type { Http1Wire } from "./http1-wire.ts";
import { field, type ReceivedResponse } from "./wire.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** RFC 6455 §4.2.2. */
const ACCEPT: string = createHash("sha1").update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** The fields of a valid handshake (RFC 6455 §4.1). */
export const HANDSHAKE: readonly (readonly [string, string])[] = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", KEY],
];

export type Message =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "binary"; readonly bytes: Buffer }
  | { readonly kind: "pong"; readonly bytes: Buffer }
  | { readonly kind: "close"; readonly code: number | null; readonly reason: string };

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Sends a handshake and expects that it is accepted. */
export async function openWebSocket(
  wire: Http1Wire,
  headers: readonly (readonly [string, string])[] = [],
  path = "",
): Promise<WebSocketWire> {
  wire.request({ path, headers: [...HANDSHAKE, ...headers] });
  const response = await wire.response();
  equal(response.status, 101, "the status of an accepted handshake");
  equal(field(response, "upgrade")?.toLowerCase(), "websocket", "the Upgrade field of an accepted handshake");
  equal(field(response, "connection")?.toLowerCase(), "upgrade", "the Connection field of an accepted handshake");
  equal(field(response, "sec-websocket-accept"), ACCEPT, "Sec-WebSocket-Accept");
  return new WebSocketWire(wire, response);
}

export class WebSocketWire {
  readonly #wire: Http1Wire;
  /** The 101 response. */
  readonly response: ReceivedResponse;

  constructor(wire: Http1Wire, response: ReceivedResponse) {
    this.#wire = wire;
    this.response = response;
  }

  text(text: string): void {
    this.#wire.send(frame(OPCODE.text, Buffer.from(text)));
  }

  binary(bytes: Uint8Array): void {
    this.#wire.send(frame(OPCODE.binary, bytes));
  }

  ping(bytes: Uint8Array): void {
    this.#wire.send(frame(OPCODE.ping, bytes));
  }

  close(code: number, reason: string): void {
    const text = Buffer.from(reason);
    const payload = Buffer.alloc(2 + text.byteLength);
    payload.writeUInt16BE(code);
    payload.set(text, 2);
    this.#wire.send(frame(OPCODE.close, payload));
  }

  /** The next message. Pings of the server get a pong. */
  async message(): Promise<Message> {
    for (;;) {
      const head = await this.#wire.bytes(2, "a WebSocket frame");
      const first = head.readUInt8(0);
      const second = head.readUInt8(1);
      if ((first & 0x80) === 0) throw new ConformanceError("expected a whole message, saw a fragment");
      if ((second & 0x80) !== 0) throw new ConformanceError("a server must not mask its frames (RFC 6455 §5.1)");
      const payload = await this.#wire.bytes(await this.#length(second), "the payload of a WebSocket frame");
      switch (first & 0x0f) {
        case OPCODE.text:
          return { kind: "text", text: payload.toString() };
        case OPCODE.binary:
          return { kind: "binary", bytes: payload };
        case OPCODE.pong:
          return { kind: "pong", bytes: payload };
        case OPCODE.close:
          return payload.byteLength < 2
            ? { kind: "close", code: null, reason: "" }
            : { kind: "close", code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
        case OPCODE.ping:
          this.#wire.send(frame(OPCODE.pong, payload));
          break;
        default:
          throw new ConformanceError(`a WebSocket frame of the unknown opcode ${first & 0x0f}`);
      }
    }
  }

  async #length(second: number): Promise<number> {
    const short = second & 0x7f;
    if (short < 126) return short;
    if (short === 126) return (await this.#wire.bytes(2, "the length of a frame")).readUInt16BE(0);
    return Number((await this.#wire.bytes(8, "the length of a frame")).readBigUInt64BE(0));
  }
}

/** A final, masked frame (RFC 6455 §5.2). */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const length = payload.byteLength;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const mask = randomBytes(4);
  const bytes = Buffer.alloc(2 + extended + 4 + length);
  bytes[0] = 0x80 | opcode;
  bytes[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) bytes.writeUInt16BE(length, 2);
  if (extended === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  bytes.set(mask, 2 + extended);
  const start = 6 + extended;
  for (let i = 0; i < length; i++) bytes[start + i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return bytes;
}
