/**
 * 13 Dynamic pages beside static files.
 *
 * Some paths are files, others are programs. The router knows the programs; what it does not know goes to the folder.
 *
 *     $ node 13-dynamic-beside-static.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/ctime
 *     It is …:…:…
 *     $ curl http://127.0.0.1:7788/news.html
 *     <!doctype html>
 *     <title>News</title>
 *     <h1>A file</h1>
 */
import { App } from "@tsgi/framework";
import { serve } from "@tsgi/server/socket";
import { staticFiles } from "@tsgi/server/static-files";

const app = new App();
app.get("/ctime", () => `It is ${new Date().toLocaleTimeString("en")}\n`);
app.mount("/", staticFiles(new URL("./html/", import.meta.url)));

const server = await serve(app, { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: serve the folder below `/static/` only.
 * Question: early servers chose by the suffix: `/ctime.py` was a program. What does a reader of the URL learn from that?
 */
