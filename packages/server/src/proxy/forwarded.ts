/**
 * What proxies say of a client: `Forwarded` (RFC 7239), or `X-Forwarded-For`, `-Proto` and `-Host`. Each proxy appends, so the last
 * element comes from the nearest one, and only elements that a trusted proxy has written are worth anything.
 */
import { isIP } from "node:net";
import type { HeaderView } from "@tsgi/gateway-spec";

/** One proxy's view of the peer that it received the request from. */
export interface ForwardedElement {
  /** An address without its port; `null` for `unknown`, an obfuscated name or nonsense. */
  readonly client: string | null;
  readonly proto: "http" | "https" | null;
  readonly host: string | null;
}

/** Which fields the proxies write. A proxy passes the other kind through as a client sent it, so only one kind is read. */
export type ForwardedHeader = "x-forwarded" | "forwarded";

/** The elements in the order of the proxies, the nearest one last. */
export function forwardedElements(headers: HeaderView, kind: ForwardedHeader): readonly ForwardedElement[] {
  return kind === "forwarded" ? standardElements(headers) : customElements(headers);
}

/** RFC 7239 §4: `Forwarded: for=192.0.2.60;proto=http;host=example.com, for="[2001:db8::1]:4711"`. */
function standardElements(headers: HeaderView): readonly ForwardedElement[] {
  return splitList(headers.get("forwarded") ?? "").map((element) => {
    // A quote that a client does not close includes what a proxy appends, so no part of the element can be trusted.
    if (!ELEMENT.test(element)) return { client: null, proto: null, host: null };
    const pairs = new Map<string, string>();
    for (const [, name = "", token, quoted] of element.matchAll(PAIR)) {
      pairs.set(name.toLowerCase(), token ?? quoted?.replaceAll(/\\(.)/g, "$1") ?? "");
    }
    return {
      client: toAddress(pairs.get("for")),
      proto: toProto(pairs.get("proto")),
      host: toHost(pairs.get("host")),
    };
  });
}

/** "forwarded-pair = token "=" value". Some proxies write an address with a colon without the quotes that it needs. */
const PAIR = /([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w:[\]]+)|"((?:[^"\\]|\\.)*)")/g;

/** "forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )" */
const ELEMENT = new RegExp(`^(?:${PAIR.source})?(?:;[ \\t]*(?:${PAIR.source})?)*$`);

/**
 * A list whose elements may hold commas in quotes. A quote that is not closed extends to the end: a search for its end from
 * each later quote would take quadratic time.
 */
function splitList(field: string): readonly string[] {
  return field.match(/(?:[^,"]|"(?:[^"\\]|\\.?)*(?:"|$))+/g)?.map((element) => element.trim()) ?? [];
}

/** Proto and host may have fewer elements than the addresses: most proxies replace them. The last ones belong together. */
function customElements(headers: HeaderView): readonly ForwardedElement[] {
  const list = (name: string) => {
    const field = headers.get(name);
    return field === null ? [] : field.split(",").map((value) => value.trim());
  };
  const [clients, protos, hosts] = [list("x-forwarded-for"), list("x-forwarded-proto"), list("x-forwarded-host")];
  const length = Math.max(clients.length, protos.length, hosts.length);
  return Array.from({ length }, (_, i) => ({
    client: toAddress(clients.at(i - length)),
    proto: toProto(fromEnd(protos, length - i)),
    host: toHost(fromEnd(hosts, length - i)),
  }));
}

/** The value at a place from the end, else the first one. */
function fromEnd(values: readonly string[], place: number): string | undefined {
  return values.at(-Math.min(place, Math.max(values.length, 1)));
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`. */
function toAddress(text: string | undefined): string | null {
  if (text === undefined) return null;
  const [, bracketed, v4] = /^(?:\[([\da-f:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3}))(?::\d{1,5})?$/i.exec(text) ?? [];
  const address = bracketed ?? v4 ?? (/^[\da-f:.]*:[\da-f:.]*$/i.test(text) ? text : undefined);
  return address === undefined || isIP(address) === 0 ? null : address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function toProto(text: string | undefined): "http" | "https" | null {
  const proto = text?.toLowerCase();
  return proto === "http" || proto === "https" ? proto : null;
}

/** A host that a URL can hold as it is (RFC 9110 §4.2.1); anything else is not taken over. */
function toHost(text: string | undefined): string | null {
  if (text === undefined || !/^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.test(text)) return null;
  return URL.canParse(`http://${text}/`) ? text : null;
}
