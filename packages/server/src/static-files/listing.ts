/** A page with the names in a folder, for `listing: true`. */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import type { OutgoingResponse } from "@tsgi/gateway-spec";
import { escapeHtml } from "../escape-html.ts";
import { decodePath } from "./request-path.ts";

/**
 * @param directory the folder's place in the file system.
 * @param path its decoded path in the URL space, for the title.
 * @param linksToParent whether the folder above it is served too.
 */
export async function listFolder(directory: string, path: string, linksToParent: boolean): Promise<OutgoingResponse> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter(isListed).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  const all = [...(linksToParent ? ["../"] : []), ...names.toSorted()];
  const items = all.map((name) => `<li><a href="${toHref(name)}">${escapeHtml(name)}</a></li>\n`);
  const title = `Index of ${escapeHtml(path)}`;
  return {
    status: 200,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-cache",
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
    },
    body: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body>
<h1>${title}</h1>
<ul>
${items.join("")}</ul>
</body>
</html>
`,
  };
}

/** A name that a request can reach: no dot file, no symbolic link, no device, no character that the gate refuses. */
function isListed(entry: Dirent): boolean {
  return (entry.isFile() || entry.isDirectory()) && "path" in decodePath(`/${encodeURIComponent(entry.name)}`, false);
}

/** `./` in front: without it, a name such as `a:b` would begin with a scheme. */
function toHref(name: string): string {
  if (name === "../") return name;
  const isFolder = name.endsWith("/");
  return `./${encodeURIComponent(isFolder ? name.slice(0, -1) : name)}${isFolder ? "/" : ""}`;
}
