/** The texts of `--help` and `--check`. */
import { COMMAND_OPTIONS, type OptionInfo, OPTIONS, type ResolvedConfig, valueText } from "../config.ts";

export const SYNOPSIS: string = `Usage: tsgi [[host:]port] module[:export] [options] [-- options of the application]

  tsgi ./app.ts
  tsgi 0.0.0.0:8000 ./app.ts:application --server node
  tsgi 8000 --static .
`;

/** @param columns of the terminal, in which descriptions are wrapped. */
export function helpText(columns: number): string {
  const rows = [...OPTIONS, ...COMMAND_OPTIONS].map((option) => ({ option, left: synopsisOf(option) }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  const indentation = `\n${" ".repeat(width + 4)}`;
  const groups = Map.groupBy(rows, ({ option }) => option.group);
  const sections = [...groups].map(([group, members]) => {
    const lines = members.map(({ option, left }) => {
      const description = wrap(descriptionOf(option), Math.max(columns - width - 4, 30));
      return `  ${left.padEnd(width)}  ${description.join(indentation)}\n`;
    });
    return `${group}:\n${lines.join("")}`;
  });
  return `${SYNOPSIS}
The module is a file, with or without its extension (.ts, .mts, .js, .mjs). It exports an application or a handler, as
"application", as its default export or as "app". Without a module, --static serves folders and lists them.

${sections.join("\n")}
The command line takes precedence over the environment (--max-body-bytes is TSGI_MAX_BODY_BYTES), and that over the
configuration file (there it is maxBodyBytes).
`;
}

function synopsisOf({ flag, otherFlags, placeholder }: OptionInfo): string {
  return `${[...otherFlags.filter((other) => !other.startsWith("--")), flag].join(", ")}${placeholder === null ? "" : ` <${placeholder}>`}`;
}

function descriptionOf({ description, otherFlags, variables, defaultText, flag }: OptionInfo): string {
  const flags = otherFlags.filter((other) => other.startsWith("--"));
  const others = [...flags, ...variables.filter((variable) => !variable.startsWith("TSGI_"))];
  const notes = [
    ...(others.length === 0 ? [] : [`also ${others.join(", ")}`]),
    ...(defaultText === "" || flag === "--config" ? [] : [`default ${defaultText}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join("; ")})`;
}

/** Lines of at most this length, unless a word is longer. */
function wrap(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > length) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Each option with its value and the origin of the value. */
export function checkText({ config, origins }: ResolvedConfig): string {
  const rows = OPTIONS.map(({ name }) => ({
    name,
    value: valueText(config[name as keyof typeof config]),
    origin: origins.get(name) ?? "default",
  }));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const valueWidth = Math.max(...rows.map(({ value }) => value.length));
  return rows
    .map(({ name, value, origin }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}\n`)
    .join("");
}
