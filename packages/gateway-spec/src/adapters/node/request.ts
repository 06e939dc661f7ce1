/** What node:http knows of a request and its connection, in the words of the contract. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { FieldView } from "../../server-kit/fields.ts";
import type { Address, HeaderView, TlsInfo } from "../../index.ts";

/** RFC 9112 §3.2.2; whom a user name stands for is not passed on. */
const ABSOLUTE_FORM = /^https?:\/\/(?:[^/?#@]*@)?([^\s/?#@\\]+)([/?].*)?$/i;

/** 10, 11 or 20. */
export function versionOf(req: IncomingMessage): number {
  return req.httpVersionMajor * 10 + req.httpVersionMinor;
}

/** The first line of a field. Node would build a record of all of them at the first look into `headers`. */
export function fieldOf({ rawHeaders: lines }: IncomingMessage, name: string): string | undefined {
  for (let i = 0; i < lines.length; i += 2) {
    const given = lines[i] ?? "";
    if (given.length === name.length && (given === name || given.toLowerCase() === name)) return lines[i + 1];
  }
  return undefined;
}

/** RFC 9112 §3.3: the target URI, of the request target and the Host field. */
export function toUrl(req: IncomingMessage, encrypted: boolean): string {
  const target = req.url ?? "/";
  const scheme = encrypted ? "https" : "http";
  const [, named, rest = ""] = ABSOLUTE_FORM.exec(target) ?? [];
  if (named !== undefined) return `${scheme}://${named}${rest.startsWith("/") ? "" : "/"}${rest}`;
  const authority = req.httpVersionMajor === 2 ? fieldOf(req, ":authority") : undefined;
  const host = authority ?? fieldOf(req, "host");
  // node passes any Host on. One that could end the authority early would move the path.
  const safe =
    host !== undefined && /^[^\s/?#@\\]+$/.test(host)
      ? host
      : `localhost${req.socket.localPort === undefined ? "" : `:${req.socket.localPort}`}`;
  return `${scheme}://${safe}${target.startsWith("/") ? target : "/"}`;
}

/** @param target as received. */
export function toView(req: IncomingMessage, target: string): HeaderView {
  const lines = lowerNames(req.rawHeaders);
  // RFC 9112 §3.2.2: of the absolute form "the origin server MUST ignore the received Host header field (if any) and instead use
  // the host information of the request-target".
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

export function lowerNames(raw: readonly string[]): string[] {
  const lines = raw.slice();
  for (let i = 0; i < lines.length; i += 2) lines[i] = lines[i]?.toLowerCase() ?? "";
  return lines;
}

export function toAddress(hostname: string | undefined, port: number | undefined): Address | null {
  return hostname === undefined || port === undefined ? null : { transport: "tcp", hostname, port };
}

export function unixAddress(socket: Socket): Address | null {
  // node keeps the listening server on each accepted socket, and only that knows the path of a Unix domain socket.
  const { server } = socket as Socket & { readonly server?: { address?: () => unknown } };
  const path = server?.address?.();
  return typeof path === "string" ? { transport: "unix", path } : null;
}

export function toTlsInfo(socket: TLSSocket): TlsInfo {
  const certificate = socket.getPeerX509Certificate();
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    serverName: typeof socket.servername === "string" && socket.servername !== "" ? socket.servername : null,
    applicationProtocol: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null,
    clientCertificate:
      certificate === undefined
        ? null
        : {
            authorized: socket.authorized,
            subject: /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? null,
            fingerprint256: certificate.fingerprint256,
            raw: certificate.raw,
          },
  };
}
