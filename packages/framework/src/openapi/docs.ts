/** `/openapi.json` and `/docs` of an application, served by itself: no request leaves the site, and a strict policy holds. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { App } from "../app.ts";
import { HttpError } from "../errors.ts";
import { html } from "../html.ts";
import { respond } from "../results.ts";
import { openApiDocument, type DocumentedRoute, type DocumentInfo, type OpenApiDocument } from "./document.ts";

/** What the document says of the API, and where the document and its page are. */
export interface DocsOptions extends DocumentInfo {
  /** Path of the page. Default `/docs`; `null` serves no page. */
  readonly path?: string | null;
  /** Path of the document. Default `/openapi.json`. */
  readonly documentPath?: string;
  /** Which routes are shown. Default: those with a `summary`, a `json` or a `response`; pages have none of them. */
  readonly include?: (route: DocumentedRoute) => boolean;
}

/** The files of swagger-ui-dist that the page needs. */
const ASSETS = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
} as const;

/**
 * Adds the document and its page to an application. Call it anywhere: the document has every route that the application has when it
 * is first asked for. The page needs the package swagger-ui-dist, which the application installs.
 */
export function docs<State>(app: App<State>, options: DocsOptions): void {
  const { path = "/docs", documentPath = "/openapi.json", include = isApi } = options;
  let document: OpenApiDocument | undefined;
  app.get(documentPath, ({ header }) => {
    header("cache-control", "no-cache");
    return (document ??= openApiDocument(app.routes.filter(include), options));
  });
  if (path === null) return;
  app.get(path, ({ base, header }) => {
    header("cache-control", "no-cache");
    return page(options.title, base + path, base + documentPath);
  });
  app.get(`${path}/start.js`, () => asset(START, "text/javascript; charset=utf-8"));
  for (const [name, type] of Object.entries(ASSETS)) {
    app.get(`${path}/${name}`, async () => asset(await readAsset(name), type));
  }
}

function isApi({ options: { summary, json, response } }: DocumentedRoute): boolean {
  return summary !== undefined || json !== undefined || response !== undefined;
}

function page(title: string, path: string, documentUrl: string) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <link rel="stylesheet" href="${path}/swagger-ui.css" />
      </head>
      <body>
        <div id="docs" data-url="${documentUrl}"></div>
        <noscript><p>This page needs JavaScript. <a href="${documentUrl}">The OpenAPI document</a> has the same content.</p></noscript>
        <script src="${path}/swagger-ui-bundle.js"></script>
        <script src="${path}/start.js"></script>
      </body>
    </html> `;
}

/** A file of its own, since the policy allows no inline script. Without `validatorUrl: null` the page asks a foreign server. */
const START = `"use strict";
const target = document.getElementById("docs");
SwaggerUIBundle({ url: target.dataset.url, domNode: target, validatorUrl: null, deepLinking: true });
`;

function asset(body: string | Uint8Array, type: string) {
  return respond({ status: 200, headers: { "content-type": type, "cache-control": "public, max-age=3600" }, body });
}

async function readAsset(name: string): Promise<Uint8Array> {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new HttpError(501, "DOCS_NOT_INSTALLED", "The documentation page needs the package swagger-ui-dist", {
      cause,
    });
  }
}
