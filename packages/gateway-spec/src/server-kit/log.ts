/** What servers and adapters write to their logger. */
import type { Address, IncomingRequest, Logger } from "../index.ts";
import { refusalStatus } from "./refusals.ts";

/** Warnings and errors go to the standard error stream, information is dropped. The default of every server and adapter. */
export const STDERR_LOGGER: Logger = {
  info: () => undefined,
  warn: (message) => {
    console.warn(message);
  },
  error: (message, error) => {
    if (error === undefined) console.error(message);
    else console.error(message, error);
  },
};

/** A logger whose methods never throw: a logger that fails must not end an exchange or the process. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string, error?: unknown): void => {
      try {
        if (error === undefined) logger[level](message);
        else logger[level](message, error);
      } catch {
        // There is no other place to report it to.
      }
    };
  return { info: guard("info"), warn: guard("warn"), error: guard("error") };
}

/**
 * Logs what a handler, its response or its body threw: an error for what becomes a 500, a warning for a request that the handler
 * refused by letting the failure of its content pass.
 * @param target as received.
 * @param headSent whether the head of the response has left, so that the connection is terminated in place of a 500.
 */
export function logHandlerError(
  logger: Logger,
  { method }: Pick<IncomingRequest, "method">,
  target: string,
  error: unknown,
  headSent: boolean,
): void {
  const status = refusalStatus(error);
  if (headSent) logger.error(`${method} ${target} failed after its head was sent; the connection is terminated`, error);
  else if (status === 500) logger.error(`${method} ${target} failed`, error);
  else logger.warn(`${method} ${target} refused with ${status}: ${(error as Error).message}`);
}

/** The log line for a request that the server refuses before a handler runs. */
export function refusalLine(client: Address | null, status: number, code: string, message: string): string {
  const from = client?.transport === "tcp" ? client.hostname : "a local client";
  return `Refused a request from ${from} with ${status} ${code}: ${message}`;
}
