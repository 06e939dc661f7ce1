/** docs/conformance.md: what each case of the conformance kit sends, what must come back, and why. */
import { globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type ConformanceCase, cases } from "@tsgi/gateway-spec/conformance";

const ROOT = join(import.meta.dirname, "../..");
export const PAGE: string = join(ROOT, "docs/conformance.md");
const SPEC = "packages/gateway-spec/SPEC.md";

const INTRODUCTION = `# Conformance cases

The [conformance kit](../packages/gateway-spec/README.md#check-a-server-against-the-rules) checks a server from the client's end of a
socket. This page explains its ${cases.length} cases, by the section of [the specification](../${SPEC}) that has their rule.
\`npx tsgi-conformance --serve ./server.js --filter <name>\` runs the cases with this text in their names.

The kit starts the server for cases that are marked *starts servers*, so they need \`--serve\` and are skipped for an address.
A case that *requires* a capability is skipped for a server without it. A case that runs *also over HTTP/2* runs twice if a server
with TLS selects HTTP/2 by ALPN (RFC 9113 §3.2); the name of the second run ends with \`(h2)\`. The other cases are about the
bytes of HTTP/1.1, about WebSockets, or about what no protocol changes. Where no RFC is named, the rule is one of the contract alone.

<!-- Written by scripts/conformance-page.ts from the cases in packages/gateway-spec/src/conformance/cases. -->
`;

/** The text of the page as it should be. */
export function conformancePage(): string {
  const sectionOf = readSections();
  const sections = [...new Set(sectionOf.values())];
  const parts = sections.flatMap((section) => {
    const members = cases.filter(({ rules: [first = ""] }) => sectionOf.get(first) === section);
    const texts = members.map((one) => explanation(one, sectionOf));
    return texts.length === 0 ? [] : [`## ${section}\n`, texts.join("\n")];
  });
  return [INTRODUCTION, ...parts].join("\n");
}

function explanation(one: ConformanceCase, sectionOf: ReadonlyMap<string, string>): string {
  const { name, rules, title, sends, expects, source, kind, requires, http2 } = one;
  const links = rules.map((rule) => `[${rule}](../${SPEC}#${slugOf(sectionOf.get(rule) ?? "")})`);
  const notes = [
    ...(kind === "server" ? ["*starts servers*"] : []),
    ...(http2 === undefined ? [] : [http2 === "also" ? "*also over HTTP/2*" : "*over HTTP/2 only*"]),
    ...(requires === undefined ? [] : [`*requires \`${requires}\`*`]),
    `[source](../${fileOf(name)})`,
  ];
  return `### ${name}

- Checks: ${title}. ${[...links, ...notes].join(", ")}.
- Sends: ${sends}
- Expects: ${expects}
${source === undefined ? "" : `- ${withLinks(source)}\n`}`;
}

/** The heading of SPEC.md under which each rule stands, in the order of the rules. */
function readSections(): ReadonlyMap<string, string> {
  const sections = new Map<string, string>();
  let section = "";
  for (const [, heading, rule] of readFileSync(join(ROOT, SPEC), "utf8").matchAll(
    /^(?:## (.+)|\*\*(TSGI-\d+)\.\*\*.*)$/gm,
  )) {
    section = heading ?? section;
    if (rule !== undefined) sections.set(rule, section);
  }
  return sections;
}

function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}

function fileOf(name: string): string {
  const file = globSync(join(ROOT, "packages/gateway-spec/src/conformance/cases/*.ts")).find((one) =>
    readFileSync(one, "utf8").includes(`"${name}"`),
  );
  if (file === undefined) throw new Error(`no file has the case "${name}"`);
  return relative(ROOT, file);
}

function withLinks(source: string): string {
  return source.replace(
    /^RFC (\d+) §([\d.]+)/,
    (text, rfc: string, section: string) => `[${text}](https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section})`,
  );
}
