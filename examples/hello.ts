/** A page and a JSON response: the program of the README. */
import { App, html } from "@tsgi/framework";

const app = new App();

app.get("/", () => html`<h1>Hello</h1>`);
app.get("/users/:id", ({ params }) => ({ id: params.id }));

export default app;
