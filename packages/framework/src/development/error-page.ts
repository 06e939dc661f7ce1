/**
 * The page that a developer sees when a handler fails: the error with its causes, the lines of source around it, the request. It
 * shows files and values, so the application sends it only in development, and only to a client on this machine.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import type { Address, Exchange, IncomingRequest } from "@tsgi/gateway-spec";
import { html, type Html } from "../html.ts";
import { TemplateError } from "../templates/error.ts";

/** A place in a stack. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** How many lines of source are shown before and after the line of the error. */
const CONTEXT_LINES = 5;

/** Request fields whose value is a credential: a screenshot of the page must not show it. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/** Whether the client runs on this machine: a development server on 0.0.0.0 shows its sources to no one else. */
export function isLocalClient({ peerAddress }: Pick<Exchange, "peerAddress">): boolean {
  return peerAddress === null || peerAddress.transport === "unix" || isLoopback(peerAddress);
}

function isLoopback({ hostname }: Extract<Address, { transport: "tcp" }>): boolean {
  return hostname === "::1" || /^(?:::ffff:)?127\.[\d.]+$/.test(hostname);
}

/** @param nonce of the page's Content-Security-Policy, for its one style element. */
export function renderErrorPage(error: unknown, request: IncomingRequest, exchange: Exchange, nonce: string): string {
  const errors = [...causesOf(error)];
  const title = headline(error);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style nonce="${nonce}">
          ${STYLE}
        </style>
      </head>
      <body>
        <main>
          <p class="request">${request.method} ${exchange.target}</p>
          ${errors.map((one, i) => errorSection(one, i === 0))}
          <h2>Request</h2>
          <dl>
            ${fieldRows(request)}
          </dl>
          <p class="note">This page is shown in development only. In production the client gets a bare 500.</p>
        </main>
      </body>
    </html> `.toString();
}

/** The error and its chain of causes. A chain that returns to itself ends there. */
function* causesOf(error: unknown): Generator {
  const seen = new Set<unknown>();
  let current = error;
  do {
    seen.add(current);
    yield current;
    current = causeOf(current);
  } while (current !== undefined && !seen.has(current));
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function headline(error: unknown): string {
  if (!(error instanceof Error)) {
    // An object may have no text: `throw Object.create(null)`.
    return `A handler threw ${typeof error}: ${typeof error === "string" ? error : inspect(error)}`;
  }
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return `${error.name}${code}: ${error.message}`;
}

function errorSection(error: unknown, isFirst: boolean): Html {
  const frames = error instanceof Error ? framesOf(error.stack ?? "") : [];
  const called = ownFrames(frames);
  const others = frames.filter((frame) => !called.includes(frame));
  const own = [...placeOf(error), ...called];
  const [title = "", ...details] = headline(error).split("\n");
  const heading = isFirst ? html`<h1>${title}</h1>` : html`<h2>Caused by ${title}</h2>`;
  const source = own[0] === undefined ? null : excerpt(own[0]);
  // The further lines of a TemplateError are the excerpt as text.
  const rest = details.length === 0 || error instanceof TemplateError ? null : html`<pre>${details.join("\n")}</pre>`;
  return html`<section>
    ${heading} ${rest} ${source}
    <ol class="stack">
      ${own.map(frameItem)}
    </ol>
    ${
      others.length === 0
        ? null
        : html`<details>
          <summary>Stack in libraries</summary>
          <ol class="stack">
            ${others.map(frameItem)}
          </ol>
        </details>`
    }
  </section>`;
}

function frameItem(frame: Frame): Html {
  return html`<li><code>${frame.name}</code> ${place(frame)}</li>`;
}

/** The frames of the application: not those of packages, and not those outside of the working directory where it has some. */
function ownFrames(frames: readonly Frame[]): readonly Frame[] {
  const own = frames.filter(({ file }) => !/[\\/]node_modules[\\/]/.test(file));
  const here = own.filter(({ file }) => !relative(process.cwd(), file).startsWith(".."));
  return here.length === 0 ? own : here;
}

/** The place in a view that a TemplateError names. */
function placeOf(error: unknown): readonly Frame[] {
  if (!(error instanceof TemplateError) || error.file === null) return [];
  return [{ name: "(view)", file: error.file, line: error.line ?? 1, column: error.column ?? 1 }];
}

/** The lines around a place, or nothing where the file cannot be read. */
function excerpt(frame: Frame): Html | null {
  const lines = linesAround(frame);
  if (lines.length === 0) return null;
  return html`<figure>
    <figcaption>${place(frame)}</figcaption>
    <pre>${lines.map(({ number, text }) => sourceLine(number, text, number === frame.line))}</pre>
  </figure>`;
}

function sourceLine(number: number, text: string, isFailing: boolean): Html {
  const line = `${String(number).padStart(5)}  ${text}\n`;
  return isFailing ? html`<mark>${line}</mark>` : html`${line}`;
}

function linesAround({ file, line }: Frame): readonly { readonly number: number; readonly text: string }[] {
  let lines: readonly string[];
  try {
    lines = readFileSync(file, "utf8").trimEnd().split(/\r?\n/);
  } catch {
    return [];
  }
  if (line > lines.length) return [];
  const first = Math.max(1, line - CONTEXT_LINES);
  return lines.slice(first - 1, line + CONTEXT_LINES).map((text, i) => ({ number: first + i, text }));
}

function place({ file, line, column }: Frame): string {
  const path = relative(process.cwd(), file);
  return `${path.startsWith("..") ? file : path}:${line}:${column}`;
}

/** V8's two forms of a frame: `at name (file:line:column)` and `at file:line:column`. Frames of node itself are left out. */
const FRAME = /^\s*at (?:async )?(?:(.*?) \()?((?:file:\/\/|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/;

/** The frames of a stack that are files. */
export function framesOf(stack: string): readonly Frame[] {
  return stack.split("\n").flatMap((text) => {
    const [, name, file, line, column] = FRAME.exec(text) ?? [];
    if (file === undefined) return [];
    const path = file.startsWith("file://") ? fileURLToPath(file) : file;
    return [{ name: name ?? "(anonymous)", file: path, line: Number(line), column: Number(column) }];
  });
}

function fieldRows({ headers }: IncomingRequest): readonly Html[] {
  return [...headers].map(
    ([name, value]) =>
      html`<dt>${name}</dt>
        <dd>${SECRET_FIELDS.has(name) ? "(hidden)" : value}</dd> `,
  );
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
.request, .note, figcaption, details, .stack { color: light-dark(#555, #aaa); overflow-wrap: anywhere; }
figure { margin: 1rem 0; }
pre { overflow-x: auto; padding: .75rem 0; background: light-dark(#f4f4f4, #222); }
mark { display: block; background: light-dark(#ffd9d9, #632); color: inherit; }
dl { display: grid; grid-template-columns: fit-content(40%) 1fr; gap: .25rem 1rem; }
dt, dd { margin: 0; overflow-wrap: anywhere; }
`;
