/** The pages of users and students, the two exercises of the course. */
import type { App } from "@tsgi/framework";
import { formPage } from "@tsgi/framework/forms";
import { z } from "zod";
import { SEXES, UserFields, UserQuery } from "./contract.ts";
import { type Account, after, sentencesOf, showPage, SpokenError } from "./page.ts";
import type { PeopleStore } from "./people-store.ts";
import { fill } from "./sentences.ts";

const FIELDS = ["name", "age", "sex", "city"] as const;

export function addPeoplePages(app: App<void>, people: PeopleStore, account: Account): void {
  app.get("/users.html", { name: "users", query: UserQuery }, async (context) => {
    const list = await people.listUsers(context.query);
    return showPage(context, account, "users", (t) => ({
      page: "users",
      title: t.users,
      list,
      query: context.query,
      sexes: SEXES,
    }));
  });

  const { name, sex, city } = UserFields.shape;
  const whole = z.coerce.number().int().min(0).max(150);
  formPage(app, "/users/:id<int>.html", {
    name: "user",
    needs: { account },
    form: { name, age: whole.optional(), sex: sex.unwrap().or(z.literal("")), city: city.unwrap() },
    show: async (context) => {
      const { params, form } = context;
      const t = sentencesOf(context);
      const user = await people.findUser(params.id);
      if (user === null) throw new SpokenError(404, "USER_UNKNOWN", t.noSuchUser);
      const wrong = FIELDS.find((field) => field in form.errors);
      const sentence = wrong === undefined ? null : fill(t.fieldInvalid, { field: t[wrong] });
      return showPage(context, account, "user", () => ({
        page: "users",
        title: fill(t.userTitle, { name: user.name }),
        user,
        values: { ...user, ...form.values },
        sexes: SEXES,
        error: form.errors.form ?? sentence,
        wrong: wrong ?? null,
      }));
    },
    submit: async (context) => {
      const { params, form, invalid } = context;
      const t = sentencesOf(context);
      if (context.account === null) return invalid({ form: t.loginToEdit });
      const fields = {
        name: form.name,
        age: form.age ?? null,
        sex: form.sex === "" ? null : form.sex,
        city: form.city === "" ? null : form.city,
      };
      const user = await people.updateUser(params.id, fields);
      if (user === "name taken") return invalid({ form: t.nameTaken });
      if (user === "no such user") throw new SpokenError(404, "USER_UNKNOWN", t.noSuchUser);
      return context.redirect(after(context.urlFor("user", { id: params.id }), "saved"));
    },
  });

  const StudentQuery = { class: z.string().trim().default(""), name: z.string().trim().default("") };
  app.get("/students.html", { name: "students", query: StudentQuery }, async (context) => {
    const students = await people.students(context.query);
    return showPage(context, account, "students", (t) => ({
      page: "students",
      title: t.students,
      students,
      query: context.query,
    }));
  });
}
