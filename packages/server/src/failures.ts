/** What servers say of a request that no handler saw. The same for every server. */
import type { Address } from "@tsgi/gateway-spec";

/** The line for the log. */
export function refusalLine(client: Address | null, status: number, code: string, message: string): string {
  const who = client?.transport === "tcp" ? client.hostname : "a local client";
  return `Refused a request from ${who} with ${status} ${code}: ${message}`;
}
