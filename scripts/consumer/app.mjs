/** What a user writes first, in a folder that installed the packed packages. */
import { App, html } from "@tsgi/framework";

const app = new App();
app.get("/", () => html`<h1>Hello</h1>`);
export default app;
