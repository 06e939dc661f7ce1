/** A page and a piece of JSON: the program of the README. */
import { App } from "@tsgi/framework";

const app = new App();

app.get("/", () => "<h1>Hello</h1>");
app.get("/users/:id", ({ params }) => ({ id: params.id }));

export default app;
