/**
 * 27 Options of a program by definition, with `--help`.
 *
 * A program defines its options once: name, default, help text. The parser and the help come from the same table, so the help
 * cannot be out of date.
 *
 *     $ node 27-options.ts --help
 *     usage: node 27-options.ts [options]
 *       --port      port to listen on (default 8000)
 *       --hostname  address to listen on (default 127.0.0.1)
 *       --greeting  first word of the page (default hello)
 *     $ node 27-options.ts --prot 80; echo "exit code $?"
 *     Unknown option '--prot'…
 *     exit code 2
 *     $ node 27-options.ts --port 7788 --greeting 你好 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     你好, client
 */
import { parseArgs } from "node:util";
import { serve } from "@tsgi/server/socket";

const defined = {
  port: { type: "string", default: "8000", help: "port to listen on" },
  hostname: { type: "string", default: "127.0.0.1", help: "address to listen on" },
  greeting: { type: "string", default: "hello", help: "first word of the page" },
} as const;

try {
  const { values } = parseArgs({ options: { ...defined, help: { type: "boolean" } } });
  if (values.help === true) {
    console.log("usage: node 27-options.ts [options]");
    for (const [name, { help, default: byDefault }] of Object.entries(defined)) {
      console.log(`  --${name.padEnd(8)}  ${help} (default ${byDefault})`);
    }
  } else {
    const { hostname, greeting, port } = values;
    const server = await serve(() => ({ status: 200, body: `${greeting}, client\n` }), {
      hostname,
      port: Number(port),
    });
    console.log(server.url);
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}

/**
 * Exercise: accept `--workers` that must be a number of at least 1, and refuse anything else with one line.
 * Question: `tsgi 7788 ./app.ts -- --greeting hi` passes on what follows `--`; why does the command need that separator?
 */
