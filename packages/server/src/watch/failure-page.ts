/**
 * The application that is served under `--watch` while the user's does not run: a page with the error, its place and the source around
 * it. It shows files, so only a client on this machine gets it.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { BlockList } from "node:net";
import type { Address, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { splitUrl } from "../static-files/request-path.ts";
import { escapeHtml } from "../escape-html.ts";
import { describePlace, type Failure, type Place } from "../cli/failure.ts";
import { RESERVED_PATH } from "./messages.ts";

const TRY_AGAIN = `${RESERVED_PATH}try-again`;

/** How many lines of source are shown before and after the line of the error. */
const CONTEXT_LINES = 5;

/** @param tryAgain called where the reader asks for it. */
export function failurePage(failure: Failure, folder: string, tryAgain: () => void): Handler {
  return (request, { peerAddress }) => {
    if (!isLocal(peerAddress)) return plain("The application does not run: see the terminal of tsgi.\n");
    if (request.method === "POST" && splitUrl(request.url).rawPath === TRY_AGAIN) return restart(request, tryAgain);
    const accept = request.headers.get("accept") ?? "";
    if (accept.includes("text/html")) return page(failure, folder);
    return accept.includes("json") ? problem(failure, folder) : plain(toText(failure, folder));
  };
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function isLocal(peer: Address | null): boolean {
  if (peer === null || peer.transport === "unix") return true;
  return LOOPBACK.check(peer.hostname, peer.hostname.includes(":") ? "ipv6" : "ipv4");
}

/** Other sites may not cause a restart. */
function restart({ headers }: IncomingRequest, tryAgain: () => void): OutgoingResponse {
  if (headers.get("sec-fetch-site") !== "same-origin")
    return plain("Open the page of this application to try again.\n", 403);
  tryAgain();
  const back = headers.get("referer");
  return { status: 303, headers: { location: back === null ? "/" : new URL(back).pathname }, body: null };
}

function plain(text: string, status = 500): OutgoingResponse {
  return { status, headers: { ...NO_STORE, "content-type": "text/plain; charset=utf-8" }, body: text };
}

function problem({ message, place, output }: Failure, folder: string): OutgoingResponse {
  return {
    status: 500,
    headers: { ...NO_STORE, "content-type": "application/problem+json" },
    body: JSON.stringify({
      title: "The application does not run",
      status: 500,
      detail: message,
      ...(place !== null && { place: describePlace(place, folder) }),
      output,
    }),
  };
}

function toText({ message, place, output }: Failure, folder: string): string {
  const source = place === null ? [] : [describePlace(place, folder), "", excerptText(place)];
  return [message, ...source, output.includes("\n") ? output : "", ""].join("\n");
}

function page({ how, message, place, output }: Failure, folder: string): OutgoingResponse {
  const nonce = randomBytes(16).toString("base64url");
  const [first = "", ...rest] = message.split("\n");
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(first)}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<p class="state">The application does not run <span class="how">${escapeHtml(how)}</span></p>
<h1>${escapeHtml(first)}</h1>
${rest.length === 0 ? "" : `<pre class="rest">${escapeHtml(rest.join("\n"))}</pre>`}
${place === null ? "" : sourceFigure(place, folder)}
<form method="post" action="${TRY_AGAIN}">
<p>This page reloads by itself when a file is saved.</p>
<button>Try again now</button>
</form>
${output === "" ? "" : `<details${place === null ? " open" : ""}><summary>Output of the process</summary><pre tabindex="0">${escapeHtml(output)}</pre></details>`}
</main>
</body>
</html>
`;
  const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;
  return {
    status: 500,
    headers: {
      ...NO_STORE,
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
    },
    body,
  };
}

const NO_STORE = { "cache-control": "no-store" };

function sourceFigure(place: Place, folder: string): string {
  const lines = linesAround(place).map(({ number, text }) => {
    const shown = `<span class="number">${number}</span>${escapeHtml(text)}\n`;
    if (number !== place.line) return shown;
    return `<mark>${shown}${caret(place)}</mark>`;
  });
  const source = lines.length === 0 ? "" : `<pre tabindex="0">${lines.join("")}</pre>`;
  return `<figure><figcaption>${escapeHtml(describePlace(place, folder))}</figcaption>${source}</figure>`;
}

function excerptText(place: Place): string {
  return linesAround(place)
    .map(({ number, text }) => {
      const line = `${number === place.line ? ">" : " "} ${String(number).padStart(5)}  ${text}\n`;
      return number === place.line && place.column !== null ? `${line}${" ".repeat(8 + place.column)}^\n` : line;
    })
    .join("");
}

function caret({ column }: Place): string {
  return column === null ? "" : `<span class="number"></span>${" ".repeat(column - 1)}<b>^</b>\n`;
}

/** Nothing where the file cannot be read, or has become shorter. */
function linesAround({ file, line }: Place): readonly { readonly number: number; readonly text: string }[] {
  let lines: readonly string[];
  try {
    lines = readFileSync(file, "utf8").trimEnd().split(/\r?\n/);
  } catch {
    return [];
  }
  if (line > lines.length) return [];
  const first = Math.max(1, line - CONTEXT_LINES);
  return lines
    .slice(first - 1, line + CONTEXT_LINES)
    .map((text, i) => ({ number: first + i, text: text.replaceAll("\t", " ") }));
}

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; --quiet: light-dark(#59606a, #9aa4b2);
  --line: light-dark(#dfe3e8, #30363d); --code: light-dark(#f6f8fa, #161b22); --bad: light-dark(#b3261e, #ff8a80);
  --mark: light-dark(#ffe3e0, #4a1f1d); }
body { margin: 0; border-top: .3rem solid var(--bad); background: light-dark(#fff, #0d1117); color: light-dark(#1b1f24, #e6edf3); }
main { max-width: 64rem; margin: 0 auto; padding: 2rem 1rem 3rem; }
.state { margin: 0; color: var(--bad); font-weight: 600; }
.how { display: inline-block; margin-left: .5rem; color: var(--quiet); font-weight: 400; }
h1 { margin: .25rem 0 1rem; font-size: clamp(1.2rem, 4vw, 1.6rem); line-height: 1.3; overflow-wrap: anywhere; }
figure { margin: 1rem 0; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
figcaption { padding: .5rem .75rem; border-bottom: 1px solid var(--line); font: .9rem ui-monospace, monospace; overflow-wrap: anywhere; }
figcaption:last-child { border: 0; }
pre { margin: 0; padding: .75rem 0; background: var(--code); overflow-x: auto; font: .85rem/1.6 ui-monospace, monospace; }
.number { display: inline-block; width: 3.5ch; padding-right: 1.5ch; text-align: right; color: var(--quiet); user-select: none; }
mark { display: block; min-width: max-content; background: var(--mark); color: inherit; }
b { color: var(--bad); }
.rest, details pre { padding: .75rem; border-radius: .5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin: 1.25rem 0; }
form p { margin: 0; color: var(--quiet); }
button { min-height: 2.75rem; padding: 0 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--code); color: inherit; font: inherit; cursor: pointer; }
:focus-visible { outline: .15rem solid light-dark(#0b57d0, #a8c7fa); outline-offset: .1rem; }
summary { padding: .5rem 0; cursor: pointer; }
`;
