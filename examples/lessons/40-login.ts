/**
 * 40 Login: a password, and a Bearer token.
 *
 * The password is checked once and exchanged for a token, which the client sends in the Authorization field. The server stores a
 * hash of the password that takes time to compute, and compares in constant time. After ten wrong passwords it waits.
 *
 *     $ tsgi 7788 ./40-login.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -o /dev/null -w '%{http_code} %header{www-authenticate}\n' http://127.0.0.1:7788/me
 *     401 Bearer realm="api"
 *     $ curl -d name=ann -d password=wrong -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/token
 *     401
 *     $ TOKEN=$(curl -d name=ann -d 'password=correct horse' http://127.0.0.1:7788/token); \
 *       curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:7788/me
 *     {"name":"ann"}
 */
import { App, HttpError } from "@tsgi/framework";
import { createSealer } from "@tsgi/framework/cookies";
import { bearer, hashPassword, loginLimit, verifyPassword } from "@tsgi/framework/security";
import { z } from "zod";

const Token = z.object({ name: z.string(), expires: z.number() });
const sealer = createSealer([process.env["TOKEN_KEY"] ?? "for development only: 32 characters and more"], "token");
const users = new Map([["ann", await hashPassword("correct horse")]]);
const limited = loginLimit();

const user = bearer((token) => {
  const opened = sealer.unseal(token);
  const content = opened === null ? null : Token.parse(JSON.parse(opened));
  return content !== null && content.expires > Date.now() ? { name: content.name } : null;
});

const app = new App();
app.post("/token", { form: { name: z.string(), password: z.string() } }, async (context) => {
  const { name, password } = context.form;
  // For an unknown name too, so that the time does not show which names exist.
  const isRight = await limited(context, name, () => verifyPassword(password, users.get(name) ?? null));
  if (!isRight) throw new HttpError(401, "LOGIN_FAILED");
  return sealer.seal(JSON.stringify({ name, expires: Date.now() + 3_600_000 }));
});
app.get("/me", { needs: { user } }, ({ user }) => user);

export default app;

/**
 * Exercise: add a second user with the role "admin", and an address that only that role may read.
 * Question: a token was stolen; how can the server refuse it before it expires?
 */
