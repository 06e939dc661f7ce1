/** A server to be tested by host and port runs the kit's own application. */
import { conformanceApplication } from "@tsgi/gateway-spec/conformance";
import { serve } from "./server.ts";

const { url } = await serve(conformanceApplication, { port: Number(process.env["PORT"] ?? 7788) });
console.log(`Listening on ${url}`);
