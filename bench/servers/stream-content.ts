/** What the servers of `bench/streams.ts` send, and what its load sends to them. */

export const SMALL_PIECES = 100;
export const SMALL_PIECE: string = "s".repeat(100);

/** Pieces that a handler produces one turn of the event loop apart. */
export const TURN_PIECES = 20;

export const DOWNLOAD_PIECES = 16;
export const DOWNLOAD_PIECE: Uint8Array = new Uint8Array(64 * 1024).fill(0x64);

/** The WebSocket message of 100 bytes that is sent to all, and echoed where a schema checks it. */
export const MESSAGE_TEXT: string = "m".repeat(89);
export const MESSAGE: string = JSON.stringify({ text: MESSAGE_TEXT });

/** A byte that is only in events: the load finds the end of one by it. */
export const EVENT_END = "!";
/** The data of an event; also sent when a stream opens, so that the load knows that it is open. */
export const EVENT_DATA: string = `${"e".repeat(99)}${EVENT_END}`;
/** The same in the format of WHATWG HTML §9.2.6. */
export const EVENT: string = `data: ${EVENT_DATA}\n\n`;
