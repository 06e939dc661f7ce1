/** Which peers are proxies whose word counts. */
import { BlockList, isIP } from "node:net";
import type { Address } from "@tsgi/gateway-spec";
import type { ForwardedElement } from "./forwarded.ts";

/**
 * - A list of addresses and networks, such as `["127.0.0.1", "10.0.0.0/8", "unix"]`; `unix` is every peer of a Unix domain socket.
 * - A number: how many proxies there are between the server and its clients, whatever their addresses.
 */
export type TrustedProxies = readonly string[] | number;

/** Finds the element that describes the client, or `null` where no trusted proxy has written one. */
export type FindClient = (peer: Address | null, elements: readonly ForwardedElement[]) => ForwardedElement | null;

/** @throws TypeError for what is no address, no network and no number of proxies. */
export function findClient(trusted: TrustedProxies): FindClient {
  if (typeof trusted === "number") {
    if (!Number.isSafeInteger(trusted) || trusted < 1) {
      throw new TypeError(`proxies.trusted must be a whole number from 1, or a list of addresses, not ${trusted}`);
    }
    return (_peer, elements) => elements.at(-Math.min(trusted, Math.max(elements.length, 1))) ?? null;
  }
  const isTrusted = isTrustedPeer(trusted);
  return (peer, elements) => {
    if (!isTrusted(peer)) return null;
    // From the nearest proxy outwards: the first address that is no proxy of ours is the client.
    let found: ForwardedElement | null = null;
    for (const element of elements.toReversed()) {
      // A proxy that hides its peer, or nonsense: what is further out cannot be attributed.
      if (element.client === null && found !== null) break;
      found = element;
      if (element.client === null || !isTrusted({ transport: "tcp", hostname: element.client, port: 0 })) break;
    }
    return found;
  };
}

/**
 * Whether a peer is one of these. `null` is the peer of a Unix domain socket, which has no address (TSGI-28).
 * @throws TypeError for what is no address and no network.
 */
export function isTrustedPeer(trusted: readonly string[]): (peer: Address | null) => boolean {
  const networks = new BlockList();
  let hasUnix = false;
  for (const text of trusted) {
    if (text === "unix") hasUnix = true;
    else addNetwork(networks, text);
  }
  return (peer) => {
    if (peer === null || peer.transport === "unix") return hasUnix;
    const version = isIP(peer.hostname);
    return version !== 0 && networks.check(peer.hostname, version === 6 ? "ipv6" : "ipv4");
  };
}

function addNetwork(networks: BlockList, text: string): void {
  const [address = "", prefix] = text.split("/");
  const version = isIP(address);
  const length = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix);
  const isNetwork = version !== 0 && /^\d{1,3}$/.test(prefix ?? "0") && length <= (version === 6 ? 128 : 32);
  if (!isNetwork) {
    throw new TypeError(
      `proxies.trusted: ${JSON.stringify(text)} is neither an address nor a network; write 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or unix`,
    );
  }
  networks.addSubnet(address, length, version === 6 ? "ipv6" : "ipv4");
}
