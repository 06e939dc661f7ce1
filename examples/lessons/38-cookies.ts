/**
 * 38 Cookies.
 *
 * HTTP has no memory: each request stands alone. With Set-Cookie the server gives the client a text that it sends back in each
 * request. The client can change it, so a cookie proves nothing; a signature makes a change visible.
 *
 *     $ tsgi 7788 ./38-cookies.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -c /tmp/jar http://127.0.0.1:7788/
 *     visit 1
 *     $ curl -b /tmp/jar -c /tmp/jar http://127.0.0.1:7788/
 *     visit 2
 *     $ curl -b visits=99.made-up http://127.0.0.1:7788/
 *     visit 1
 *     $ curl -o /dev/null -w '%header{set-cookie}\n' http://127.0.0.1:7788/
 *     visits=1.…HttpOnly…
 */
import { App } from "@tsgi/framework";
import { createSigner } from "@tsgi/framework/cookies";

const key = process.env["COOKIE_KEY"] ?? "for development only: 32 characters and more";
const signer = createSigner([key], "visits");
const app = new App();

app.get("/", ({ cookies, cookie }) => {
  const visits = Number(signer.verify(cookies.get("visits") ?? "") ?? 0) + 1;
  cookie("visits", signer.sign(String(visits)), { maxAgeSeconds: 3600 });
  return `visit ${visits}\n`;
});

export default app;

/**
 * Exercise: add `/forget`, which removes the cookie.
 * Question: what do HttpOnly, Secure and SameSite each prevent?
 */
