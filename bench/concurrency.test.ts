/** Every way of the concurrency benchmark serves clients at the same time, on connections of their own. */
import { expect, test } from "vitest";
import { ServerProcess } from "./lib/server-process.ts";
import { CONCURRENCY_WAYS } from "./servers/concurrency.ts";

test.each(CONCURRENCY_WAYS)("%s responds to three clients", async (way) => {
  const program = { program: process.execPath, args: [`${import.meta.dirname}/servers/concurrency.ts`, way] };
  const server = await ServerProcess.start(program, null);
  try {
    const responses = await Promise.all([1, 2, 3].map(() => fetch(`http://127.0.0.1:${server.port}/`)));
    for (const response of responses) expect(await response.text()).toBe("ok\n");
  } finally {
    await server.stop();
  }
});
