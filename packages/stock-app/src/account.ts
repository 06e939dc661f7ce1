/** Logging in: a session in an encrypted cookie for pages, or Basic credentials for programs. */
import { type App, type BareContext, HttpError } from "@tsgi/framework";
import { formPage } from "@tsgi/framework/forms";
import { basicCredentials, loginLimit } from "@tsgi/framework/security";
import { sessions } from "@tsgi/framework/sessions";
import { z } from "zod";
import { type Account, localPath, sentencesOf, showPage } from "./page.ts";
import type { PeopleStore } from "./people-store.ts";

/** A need that refuses a request without a login. */
export function required(account: Account): (context: BareContext) => Promise<string> {
  return async (context) => {
    const name = await context.need(account);
    if (name !== null) return name;
    throw new HttpError(401, "LOGIN_REQUIRED", "Log in, or send name and password by HTTP Basic", {
      headers: { "www-authenticate": 'Basic realm="stock app", charset="UTF-8"' },
    });
  };
}

/**
 * Adds the pages of login and logout.
 * @param keys at least one of 32 characters; the first one encrypts, all decrypt.
 */
export function addAccount(app: App<void>, people: PeopleStore, keys: readonly [string, ...string[]]): Account {
  const session = sessions({ keys, data: z.object({ name: z.string() }) });
  const limited = loginLimit();
  const isRight = (context: Pick<BareContext, "exchange">, name: string, password: string) =>
    limited(context, name, () => people.isPassword(name, password));
  const account: Account = async (context) => {
    const credentials = basicCredentials(context.request);
    if (credentials !== null) {
      return (await isRight(context, credentials.name, credentials.password)) ? credentials.name : null;
    }
    return (await context.need(session)).data?.name ?? null;
  };

  formPage(app, "/login.html", {
    name: "login",
    needs: { session },
    form: { name: z.string(), password: z.string() },
    show: (context) =>
      showPage(context, account, "login", (t) => ({ page: "login", title: t.login, form: context.form })),
    submit: async (context) => {
      const { name, password } = context.form;
      if (!(await isRight(context, name, password))) context.invalid({ form: sentencesOf(context).loginFailed });
      context.session.start({ name });
      return context.redirect(localPath(context.url.searchParams.get("back"), "/index.html"));
    },
  });

  app.post("/logout.html", { name: "logout", needs: { session } }, (context) => {
    context.session.end();
    return context.redirect("/index.html");
  });
  return account;
}
