/** A WebSocket that echoes messages at the pace of its client. Other requests get 400. */
import type { Handler } from "@tsgi/gateway-spec";
import { messages, send } from "@tsgi/gateway-spec/websocket";

export const application: Handler = (_request, exchange) => {
  const upgrade = exchange.upgradeWebSocket?.({ maxMessageBytes: 128 * 1024 });
  if (upgrade === undefined) return { status: 400, body: "This is the address of a WebSocket.\n" };
  exchange.waitUntil(echo(upgrade.socket));
  return upgrade.response;
};

async function echo(socket: WebSocket): Promise<void> {
  for await (const message of messages(socket)) await send(socket, message);
}
