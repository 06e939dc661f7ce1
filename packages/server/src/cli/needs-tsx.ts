/**
 * Finds TypeScript that Node does not run by itself: Node removes types and nothing else. The check reads the text, not the syntax:
 * a comment or a string that looks like a decorator only costs the time to load tsx.
 */

/** @returns what Node does not run, for a message, or `null`. */
export function findSyntaxForTsx(file: string, source: string): string | null {
  if (file.endsWith(".tsx")) return "JSX";
  for (const [what, pattern] of PATTERNS) if (pattern.test(source)) return what;
  return null;
}

const PATTERNS: readonly (readonly [what: string, pattern: RegExp])[] = [
  // Not in a line that begins as a comment: `@param` stands in most of them.
  ["decorators", /^(?![ \t]*(?:\*|\/\/|\/\*)).*?(?:^|[\s({;,)}])@[A-Za-z_$([]/m],
  ["enums", /^[ \t]*(?:export[ \t]+)?(?:const[ \t]+)?enum[ \t]+[\p{ID_Start}$_]/mu],
  ["namespaces", /^[ \t]*(?:export[ \t]+)?(?:namespace|module)[ \t]+[\p{ID_Start}$_][\p{ID_Continue}$.]*[ \t]*\{/mu],
  [
    "parameter properties",
    /\bconstructor\s*\([^)]*\b(?:public|private|protected|readonly|override)\s+[\p{ID_Start}$_]/u,
  ],
  ["import assignments", /^[ \t]*(?:export[ \t]+)?import[ \t]+[\p{ID_Start}$_][\p{ID_Continue}$]*[ \t]*=/mu],
  ["export assignments", /^[ \t]*export[ \t]*=/m],
];
