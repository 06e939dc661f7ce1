/**
 * A package registry on 127.0.0.1 that has packed tarballs, so that a package manager installs them by name and version, as after a
 * release. It has the two requests that an install sends: the versions of a package, and a tarball.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";

export interface PackageRegistry extends AsyncDisposable {
  readonly url: string;
}

interface PackedManifest {
  readonly name: string;
  readonly version: string;
}

/** @param tarballs paths of files that `pnpm pack` wrote. */
export async function startPackageRegistry(tarballs: readonly string[]): Promise<PackageRegistry> {
  const contents = new Map<string, Buffer>();
  const documents = new Map<string, (url: string) => object>();
  for (const tarball of tarballs) {
    const content = await readFile(tarball);
    const manifest = manifestOf(content);
    const integrity = `sha512-${createHash("sha512").update(content).digest("base64")}`;
    contents.set(`/${basename(tarball)}`, content);
    documents.set(`/${manifest.name}`, (url) => ({
      name: manifest.name,
      "dist-tags": { latest: manifest.version },
      versions: { [manifest.version]: { ...manifest, dist: { integrity, tarball: `${url}/${basename(tarball)}` } } },
    }));
  }
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    const content = contents.get(path);
    if (content !== undefined) return send(response, "application/octet-stream", content);
    const document = documents.get(path);
    if (document !== undefined) return send(response, "application/json", JSON.stringify(document(url)));
    response.writeHead(404).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, type: string, content: string | Buffer): void {
  response.writeHead(200, { "content-type": type }).end(content);
}

/** Reads `package/package.json` of a tarball: blocks of 512 bytes, a header before each file (POSIX ustar). */
function manifestOf(tarball: Buffer): PackedManifest {
  const archive = gunzipSync(tarball);
  const text = (start: number, length: number) => archive.toString("utf8", start, start + length).replace(/\0.*$/s, "");
  for (let at = 0; at < archive.length;) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    if (text(at, 100) === "package/package.json") {
      return JSON.parse(archive.toString("utf8", at + 512, at + 512 + size)) as PackedManifest;
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error("the tarball has no package/package.json");
}
