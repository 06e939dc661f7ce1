/** Reads node's request in the words of the contract. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { HeaderView } from "../../index.ts";
import { FieldView } from "../fields.ts";
import { streamOf } from "./transport.ts";

/** The version as one number: 10, 11 or 20. */
export function versionOf(req: IncomingMessage): number {
  return req.httpVersionMajor * 10 + req.httpVersionMinor;
}

/** The socket beneath a request; `null` for a stream of HTTP/2 whose session has ended. */
export function socketOf(req: IncomingMessage): Socket | null {
  const stream = streamOf(req);
  return stream === null ? req.socket : (stream.session?.socket ?? null);
}

/** The first line of a field. Node makes a record of all fields when `headers` is first touched; this does not touch it. */
export function fieldOf({ rawHeaders: lines }: IncomingMessage, name: string): string | undefined {
  for (let i = 0; i < lines.length; i += 2) {
    const given = lines[i] ?? "";
    if (given.length === name.length && (given === name || given.toLowerCase() === name)) return lines[i + 1];
  }
  return undefined;
}

/** Whether the head announces content (RFC 9112 §6.3; RFC 9113 §8.1 for HTTP/2). */
export function hasContent(req: IncomingMessage): boolean {
  const stream = streamOf(req);
  if (stream !== null) return !stream.endAfterHeaders;
  const lines = req.rawHeaders;
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") return true;
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(lines[i + 1]) !== 0;
  }
  return false;
}

/** A copy with names in lower case. */
export function lowerNames(raw: readonly string[]): string[] {
  const lines = raw.slice();
  for (let i = 0; i < lines.length; i += 2) lines[i] = lines[i]?.toLowerCase() ?? "";
  return lines;
}

/** The absolute form of a request target (RFC 9112 §3.2.2), split at the authority. User information is left out. */
const ABSOLUTE_FORM = /^https?:\/\/(?:[^/?#@]*@)?([^\s/?#@\\]+)([/?].*)?$/i;

/** RFC 9112 §3.3: the target URI, made of the request target and the Host field. */
export function toUrl(req: IncomingMessage, encrypted: boolean): string {
  const target = req.url ?? "/";
  const scheme = encrypted ? "https" : "http";
  const [, named, rest = ""] = ABSOLUTE_FORM.exec(target) ?? [];
  if (named !== undefined) return `${scheme}://${named}${rest.startsWith("/") ? "" : "/"}${rest}`;
  const host = (req.httpVersionMajor === 2 ? fieldOf(req, ":authority") : undefined) ?? fieldOf(req, "host");
  const authority = host !== undefined && PLAIN_AUTHORITY.test(host) ? host : localAuthority(req);
  return `${scheme}://${authority}${target.startsWith("/") ? target : "/"}`;
}

/** Node accepts any Host. One with another character could end the authority early and move the path. */
const PLAIN_AUTHORITY = /^[^\s/?#@\\]+$/;

function localAuthority(req: IncomingMessage): string {
  const port = socketOf(req)?.localPort;
  return port === undefined ? "localhost" : `localhost:${port}`;
}

/** @param target as received. */
export function toHeaders(req: IncomingMessage, target: string): HeaderView {
  const lines = lowerNames(req.rawHeaders);
  // RFC 9112 §3.2.2: "When an origin server receives a request with an absolute-form of request-target, the origin server MUST
  // ignore the received Host header field (if any) and instead use the host information of the request-target."
  const named = target.startsWith("/") ? undefined : ABSOLUTE_FORM.exec(target)?.[1];
  if (named !== undefined) {
    for (let i = 0; i < lines.length; i += 2) if (lines[i] === "host") lines[i + 1] = named;
  }
  if (req.httpVersionMajor !== 2) return new FieldView(lines);
  const fields: string[] = [];
  const authority = req.headers[":authority"];
  if (typeof authority === "string" && req.headers.host === undefined) fields.push("host", authority);
  for (let i = 0; i < lines.length; i += 2) {
    const name = lines[i] ?? "";
    if (!name.startsWith(":")) fields.push(name, lines[i + 1] ?? "");
  }
  return new FieldView(fields);
}
