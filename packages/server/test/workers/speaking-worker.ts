/** A worker process that sends one message, and serves nothing. */
process.on("message", () => undefined);
process.send?.({ kind: "other" });
