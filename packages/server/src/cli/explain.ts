/** Explains an error that is not a bug in one line that says what to do. */
import type { Config } from "../config.ts";

/** `null` for an error that is a bug: a developer needs its stack. */
export function explain(error: unknown, config: Config): string | null {
  if (!(error instanceof Error)) return null;
  if (error.name === "TransformError") return error.message.split("\n").slice(1).join("\n"); // Of esbuild: file, line, column.
  const { code, syscall, hostname } = error as NodeJS.ErrnoException & { readonly hostname?: unknown };
  if (typeof code !== "string") return null;
  // An application looks up names too, such as that of its database.
  const isListening = syscall === "listen" || syscall === "bind";
  const isOurs = isListening || (syscall === "getaddrinfo" && hostname === config.hostname);
  if (isOurs) return explainListening(code, config) ?? error.message;
  // Other codes of Node with this prefix are mistakes in a program.
  if (code.startsWith("ERR_") && !/^ERR_(?:MODULE_NOT_FOUND|UNKNOWN_FILE_EXTENSION)$/.test(code)) return null;
  return error.message;
}

function explainListening(code: string, { hostname: host, port, path, fd }: Config): string | undefined {
  if (fd !== undefined) return `Cannot listen on the descriptor ${fd}: it must be a socket that is bound`;
  const where = path ?? `port ${port} of ${host}`;
  const another =
    path === undefined ? `choose another port, such as ${port < 65_535 ? port + 1 : port - 1}` : "choose another path";
  switch (code) {
    case "EADDRINUSE":
      return `${capitalise(where)} is in use: stop the program that listens there, or ${another}`;
    case "EACCES":
      // Also for a path in a folder that does not exist: libuv reports it so, as on Windows.
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
