/** What a user writes first, in a folder that installed the packed packages. */
import { App, html } from "@tsgi/framework";
import { testClient } from "@tsgi/framework/testing";

const app = new App();
app.get("/", () => html`<h1>Hello</h1>`);
export default app;

if (process.argv[1] === import.meta.filename) {
  const client = await testClient(app);
  console.log((await client.get("/")).text(), "by Node", process.version);
  await client.close();
}
