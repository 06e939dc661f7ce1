/** Writes docs/conformance.md from the cases of the conformance kit: `node scripts/conformance-page.ts`. */
import { writeFileSync } from "node:fs";
import { conformancePage, PAGE } from "./lib/conformance-page.ts";

writeFileSync(PAGE, conformancePage());
