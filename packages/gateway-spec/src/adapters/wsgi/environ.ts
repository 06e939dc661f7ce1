/** The environ of PEP 3333. */
import type { Exchange, IncomingRequest } from "../../index.ts";
import { percentDecode, splitUrl } from "../url-parts.ts";
import { fileWrapper } from "./file-wrapper.ts";
import { InputStream } from "./input-stream.ts";
import type { Environ, ErrorSink } from "./types.ts";

export function toEnviron(
  request: IncomingRequest,
  exchange: Exchange,
  content: Uint8Array,
  writeError: ErrorSink,
): Environ {
  const { path, query } = splitUrl(request.url);
  const { localAddress, remoteAddress } = exchange;
  const local = localAddress?.transport === "tcp" ? localAddress : null;
  const scheme = exchange.encrypted ? "https" : "http";
  const environ: Environ = {
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: "",
    PATH_INFO: percentDecode(path).toString("latin1"),
    QUERY_STRING: query,
    // PEP 3333: both must not be empty, and HTTP_HOST takes precedence over them when a URL is built.
    SERVER_NAME: local?.hostname ?? new URL(request.url).hostname,
    SERVER_PORT: String(local?.port ?? (new URL(request.url).port || (scheme === "https" ? 443 : 80))),
    SERVER_PROTOCOL: `HTTP/${exchange.protocol}`,
    "wsgi.version": [1, 0],
    "wsgi.url_scheme": scheme,
    "wsgi.input": new InputStream(content),
    "wsgi.errors": {
      write: writeError,
      writelines: (lines) => {
        for (const line of lines) writeError(line);
      },
      flush: () => undefined,
    },
    // One thread runs the application. Other processes may run a copy of it, and this one cannot know.
    "wsgi.file_wrapper": fileWrapper,
    "wsgi.multithread": false,
    "wsgi.multiprocess": true,
    "wsgi.run_once": false,
    "tsgi.exchange": exchange,
  };
  if (remoteAddress?.transport === "tcp") {
    environ.REMOTE_ADDR = remoteAddress.hostname;
    environ.REMOTE_PORT = String(remoteAddress.port);
  }
  for (const [name, value] of request.headers) addField(environ, name, value);
  // The whole content is in memory, so its length is known for chunked content too.
  if (request.body !== null) environ.CONTENT_LENGTH = String(content.byteLength);
  return environ;
}

function addField(environ: Environ, name: string, value: string): void {
  switch (name) {
    case "content-type":
      environ.CONTENT_TYPE = value;
      return;
    case "content-length":
      environ.CONTENT_LENGTH = value;
      return;
    // HTTP_PROXY would configure HTTP clients that the application uses ("httpoxy", CVE-2016-5385).
    case "proxy":
    case "transfer-encoding":
      return;
    default:
  }
  // `x_a` and `x-a` would be the same variable, so a client could replace a field that a proxy sets.
  if (name.includes("_")) return;
  const variable = `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
  const earlier = environ[variable];
  environ[variable] = typeof earlier === "string" ? `${earlier},${value}` : value;
}
