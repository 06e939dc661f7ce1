/** What `tsgi --help` prints. */
import { OPTIONS } from "../config.ts";

export const SYNOPSIS: string = `Usage: tsgi [[host:]port] module[:export] [options]

  tsgi 7788 ./app.ts:application
  tsgi 0.0.0.0:7788 ./app.ts --server node
`;

export function helpText(): string {
  const rows: (readonly [string, string])[] = OPTIONS.map(({ flag, placeholder, description, defaultText }) => [
    placeholder === null ? flag : `${flag} <${placeholder}>`,
    defaultText === "" ? description : `${description} (default ${defaultText})`,
  ]);
  rows.push(
    ["--config <file>", "Configuration file (default tsgi.config.ts, .js or .json where there is one)"],
    ["-h, --help", "Print this"],
    ["-v, --version", "Print the version"],
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return `${SYNOPSIS}
The module exports an application or a handler: as "application", else as its default, else as "app".

Options:
${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("")}
The command line counts first, then the environment (--max-body-bytes is TSGI_MAX_BODY_BYTES), then the
configuration file (there it is maxBodyBytes).
`;
}
