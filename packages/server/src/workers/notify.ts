/** Messages to systemd (sd_notify(3)): ready, reloading, stopping, and the watchdog. Nothing happens without `NOTIFY_SOCKET`. */
import { spawn } from "node:child_process";

/**
 * Node has no Unix datagram sockets, so the program systemd-notify sends the message. It is another process than the one that systemd
 * watches: the unit needs `NotifyAccess=all`.
 */
export function notifySystemd(...variables: readonly string[]): void {
  if (process.env["NOTIFY_SOCKET"] === undefined) return;
  const child = spawn("systemd-notify", [`--pid=${process.pid}`, ...variables], { stdio: "ignore" });
  // Without the program the service works all the same.
  child.on("error", () => undefined);
  child.unref();
}

/** How often the watchdog wants a message, in milliseconds: twice in its time. `null` where there is none. */
export function watchdogIntervalMs(environment: NodeJS.ProcessEnv): number | null {
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  const pid = environment["WATCHDOG_PID"];
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return null;
  return pid === undefined || Number(pid) === process.pid ? microseconds / 2000 : null;
}
