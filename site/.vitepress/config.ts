export { options as default } from "../lib/options.ts";
