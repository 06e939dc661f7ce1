/** Errors in one clear line that says what to do, where they are not bugs. */
import type { Config } from "../config.ts";

/** `null`: nobody foresaw this error, and a developer needs its stack. */
export function explain(error: unknown, config: Config): string | null {
  if (!(error instanceof Error)) return null;
  if (error.name === "TransformError") return error.message.split("\n").slice(1).join("\n"); // esbuild's: file, line, column
  const { code, syscall, hostname } = error as NodeJS.ErrnoException & { readonly hostname?: unknown };
  if (typeof code !== "string") return null;
  // An application looks names up too: its database's, say.
  const isOurs = syscall === "listen" || (syscall === "getaddrinfo" && hostname === config.host);
  if (isOurs) return explainListening(code, config) ?? error.message;
  // Codes of Node itself that begin so are mistakes in a program, but for a module that is not there or is no code.
  if (code.startsWith("ERR_") && !/^ERR_(?:MODULE_NOT_FOUND|UNKNOWN_FILE_EXTENSION)$/.test(code)) return null;
  return error.message;
}

function explainListening(code: string, { host, port, path }: Config): string | undefined {
  const where = path ?? `port ${port} of ${host}`;
  const another =
    path === undefined ? `choose another port, such as ${port < 65_535 ? port + 1 : port - 1}` : "choose another path";
  switch (code) {
    case "EADDRINUSE":
      return `${capitalise(where)} is in use: stop the program that listens there, or ${another}`;
    case "EACCES":
      // Also of a path in a folder that is not there: libuv says so to be the same on Windows.
      return path === undefined
        ? `This user may not listen on ${where}: choose a port from 1024 up`
        : `Cannot listen on ${where}: its folder must exist, and this user may write there`;
    case "EADDRNOTAVAIL":
      return `This machine has no address ${host}: use 127.0.0.1, or 0.0.0.0 for all of its addresses`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `The host name ${host} is not known: use 127.0.0.1, or 0.0.0.0 for all addresses of this machine`;
    default:
      return undefined;
  }
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
