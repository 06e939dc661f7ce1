/** Asks the application for its page, without a server. */
import { testClient } from "@tsgi/framework/testing";
import app from "./app.mjs";

const client = await testClient(app);
const page = await client.get("/");
console.log(page.status, page.text());
await client.close();
