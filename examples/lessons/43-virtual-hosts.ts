/**
 * 43 Virtual hosts: several sites on one address.
 *
 * The Host field of a request names the site that the client wants, so one server and one port serve many names.
 *
 *     $ tsgi 7788 ./43-virtual-hosts.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -H 'Host: shop.example' http://127.0.0.1:7788/
 *     the shop
 *     $ curl -H 'Host: ann.blogs.example' http://127.0.0.1:7788/
 *     the blog ann
 *     $ curl http://127.0.0.1:7788/
 *     no site of that name
 */
import { App } from "@tsgi/framework";

const shop = new App();
shop.get("/", () => "the shop\n");

const blogs = new App();
blogs.get("/", ({ url }) => `the blog ${url.hostname.split(".")[0] ?? ""}\n`);

const app = new App();
app.host("shop.example", shop);
app.host("*.blogs.example", blogs);
app.get("/", () => "no site of that name\n");

export default app;

/**
 * Exercise: redirect `www.shop.example` to `shop.example`.
 * Question: with HTTPS the certificate is chosen before the Host field arrives; how does the server know the name?
 */
