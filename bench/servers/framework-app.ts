/** An App with its defaults: CSRF protection and security header fields. */
import { run } from "./framework-routes.ts";

await run(process.argv[2] ?? "", {});
