/** A Hono app on a TSGI server. */
import { fromFetch } from "@tsgi/gateway-spec/fetch";
import { Hono } from "hono";

const app = new Hono().get("/", (c) => c.text(`Hello from ${c.req.header("host")}\n`));
export const application = fromFetch(app);
