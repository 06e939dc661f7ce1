/** An App without protection, as the others are. */
import { run } from "./framework-routes.ts";

await run(process.argv[2] ?? "", { security: false });
