/** An application of the framework under `--watch`, with what it does to pages: views, compression, a policy, static files. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WatchedCommand } from "../../server/test/watched-command.ts";
import { colorBecomes, openListening } from "../../server/test/watched-page.ts";
import { describeWithChromium } from "../../../scripts/lib/chromium.ts";

const PACKAGES = fileURLToPath(new URL("../node_modules", import.meta.url));

const APP = `import { App } from "@tsgi/framework";
import { compression } from "@tsgi/framework/compression";
import { staticFiles } from "@tsgi/server/static-files";

export const application = new App<void>({ views: "./views", layout: "layout" });
application.use(compression({ minBytes: 0 }));
application.get("/", ({ render }) => render("index", {}));
application.get("/fails", () => { throw new Error("of the handler"); });
application.mount("/static", staticFiles("./static"));
`;
const FILES = {
  "app.ts": APP,
  "views/layout.html": `<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/static/style.css"><main><%content%></main>`,
  "views/index.html": "<p>first</p>",
  "static/style.css": "p { color: rgb(1, 1, 1) }",
};

describeWithChromium("an application of the framework under --watch", (visit) => {
  test("shows changes of views and styles without a restart, and errors of handlers until they are fixed", async () => {
    await using command = new WatchedCommand(FILES, ["0", "app.ts"], { links: { node_modules: PACKAGES } });
    const { url } = await command.serves();
    await using window = await visit(url);
    const { page } = window;
    await openListening(page, "/");
    await colorBecomes(page, "rgb(1, 1, 1)");
    await page.evaluate("window.isSamePage = true");
    command.put({ "static/style.css": "p { color: rgb(2, 2, 2) }" });
    await colorBecomes(page, "rgb(2, 2, 2)");
    expect(await page.evaluate("window.isSamePage")).toBe(true);

    command.put({ "views/index.html": "<p>second</p>" });
    await page.getByText("second").waitFor();
    command.put({ "views/layout.html": `${FILES["views/layout.html"]}<footer>of the layout</footer>` });
    await page.getByText("of the layout").waitFor();
    expect(command.stdout).not.toContain("starting again");
    expect(window.complaints).toEqual([]);

    await page.goto("/fails");
    await page.getByRole("heading", { name: "Error: of the handler" }).waitFor();
    command.put({ "app.ts": APP.replace('{ throw new Error("of the handler"); }', '"it works"') });
    await page.getByText("it works").waitFor();
  });
});
