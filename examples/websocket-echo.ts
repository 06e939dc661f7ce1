/** A WebSocket whose messages come back, at the pace of whoever reads them. Anything else is refused. */
import type { Handler } from "@tsgi/gateway-spec";
import { messages, send } from "@tsgi/gateway-spec/websocket";

export const application: Handler = (_request, exchange) => {
  const upgrade = exchange.upgradeWebSocket?.({ maxMessageBytes: 128 * 1024 });
  if (upgrade === undefined) return { status: 400, body: "This is a WebSocket's address.\n" };
  exchange.waitUntil(echo(upgrade.socket));
  return upgrade.response;
};

async function echo(socket: WebSocket): Promise<void> {
  for await (const message of messages(socket)) await send(socket, message);
}
