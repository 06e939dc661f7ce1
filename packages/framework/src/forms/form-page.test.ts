import { describe, expect, test } from "vitest";
import { z } from "zod";
import { App } from "../app.ts";
import { HttpError } from "../errors.ts";
import { html } from "../html.ts";
import { testClient } from "../testing/index.ts";
import type { BareContext } from "../types.ts";
import { formPage } from "./index.ts";

const signedIn = ({ request }: BareContext) => {
  if (request.headers.get("cookie") !== "me=1") throw new HttpError(401, "LOGIN_REQUIRED");
  return { id: 1 };
};

function site(): App {
  const app = new App();
  formPage(app, "/update/:code(\\d{6}).html", {
    name: "update",
    needs: { me: signedIn },
    form: {
      note: z.string().trim().min(1, "Write something").max(5, "At most 5 letters"),
      price: z.coerce.number("A number"),
      tags: z.array(z.string()).optional(),
    },
    show: ({ params, form, me }) =>
      html`${me.id} ${params.code} note=${form.values.note ?? ""} (${form.errors.note ?? ""}) price=${form.values.price ?? ""}
      (${form.errors.price ?? ""}) ${form.errors.form ?? ""}`,
    submit: ({ params, form, invalid, redirect }) => {
      if (form.note === "taken") invalid({ note: "Taken" });
      if (form.price > 100) invalid({ form: "Too much in all" });
      return redirect(`/done/${params.code}/${form.price.toFixed(2)}`);
    },
  });
  return app;
}

const PATH = "/update/000007.html";
const headers = { cookie: "me=1" };

describe("formPage", () => {
  test("GET shows the page with an empty form", async () => {
    await using client = await testClient(site());
    const response = await client.get(PATH, { headers });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(response.text()).toMatch(/^1 000007 note= \(\) price=\s+\(\)/);
  });

  test("POST with valid fields calls submit with the checked values", async () => {
    await using client = await testClient(site());
    const response = await client.post(PATH, { headers, form: { note: " ok ", price: "1.5", tags: ["a", "b"] } });
    expect([response.status, response.headers.get("location")]).toEqual([303, "/done/000007/1.50"]);
  });

  test("takes one schema for all fields, whose refinement names a field or concerns the form as a whole", async () => {
    const app = new App();
    const form = z
      .object({ password: z.string().min(3, "Too short"), repeated: z.string() })
      .refine(({ password, repeated }) => password === repeated, { path: ["repeated"], message: "Not the same" })
      .refine(({ password }) => password !== "password", "Choose another one");
    formPage(app, "/password", {
      form,
      show: ({ form: { values, errors } }) =>
        html`${values.repeated ?? ""} (${errors.password ?? ""}) (${errors.repeated ?? ""}) (${errors.form ?? ""})`,
      submit: ({ form, redirect }) => redirect(`/${form.password.length}`),
    });
    await using client = await testClient(app);
    const send = (password: string, repeated: string) => client.post("/password", { form: { password, repeated } });
    expect((await client.get("/password")).text()).toBe(" () () ()");
    expect((await send("ab", "ab")).text()).toBe("ab (Too short) () ()");
    expect((await send("abc", "<x>")).text()).toBe("&lt;x&gt; () (Not the same) ()");
    expect((await send("password", "password")).text()).toBe("password () () (Choose another one)");
    expect((await send("abc", "abc")).headers.get("location")).toBe("/3");
  });

  test("POST with invalid fields shows the page again with 422, every mistake and what was typed", async () => {
    await using client = await testClient(site());
    const response = await client.post(PATH, { headers, form: { note: "<too long>", price: "x" } });
    expect(response.status).toBe(422);
    expect(response.text()).toMatch(/note=&lt;too long&gt; \(At most 5 letters\) price=x\s+\(A number\)/);
  });

  test("an empty number field is a mistake, not 0", async () => {
    await using client = await testClient(site());
    const response = await client.post(PATH, { headers, form: { note: "ok", price: "" } });
    expect([response.status, response.text()]).toEqual([422, expect.stringMatching(/price=\s+\(A number\)/)]);
  });

  test.each([
    [{ note: "taken", price: "1" }, /note=taken \(Taken\) price=1/],
    [{ note: "ok", price: "101" }, /note=ok \(\) price=101\s+\(\) Too much in all/],
  ])("submit rejects %o by invalid(), and the page comes back with 422", async (form, expected) => {
    await using client = await testClient(site());
    const response = await client.post(PATH, { headers, form });
    expect([response.status, response.text()]).toEqual([422, expect.stringMatching(expected)]);
  });

  test("needs run before the content is read", async () => {
    await using client = await testClient(site());
    expect((await client.get(PATH)).status).toBe(401);
    expect((await client.post(PATH, { form: { note: "" } })).status).toBe(401);
  });

  test("content of another type is 415", async () => {
    await using client = await testClient(site());
    expect((await client.post(PATH, { headers, json: {} })).status).toBe(415);
  });

  test("an error of submit that is not about the form stays an error", async () => {
    const app = new App();
    formPage(app, "/", {
      form: { a: z.string() },
      show: () => html`page`,
      submit: () => {
        throw new HttpError(409, "TAKEN");
      },
    });
    await using client = await testClient(app);
    expect((await client.post("/", { form: { a: "1" } })).status).toBe(409);
  });

  test("a redirect or a status of show itself is kept after a POST with mistakes", async () => {
    const app = new App();
    formPage(app, "/:id", {
      form: { a: z.string().min(1) },
      show: ({ params, redirect, reply }) =>
        params.id === "moved" ? redirect("/") : reply(html`gone`, { status: 410 }),
      submit: () => html`done`,
    });
    await using client = await testClient(app);
    const send = async (path: string) => (await client.post(path, { form: { a: "" } })).status;
    expect([await send("/moved"), await send("/gone")]).toEqual([303, 410]);
  });

  test("a field named like a member of Object.prototype works", async () => {
    const app = new App();
    formPage(app, "/", {
      form: { constructor: z.string().min(2, "Too short") },
      show: ({ form }) => html`${form.values.constructor ?? "none"} ${form.errors.constructor ?? "none"}`,
      submit: () => html`done`,
    });
    await using client = await testClient(app);
    expect((await client.post("/", { form: { constructor: "x" } })).text()).toBe("x Too short");
  });

  test("urlFor knows the page's name", () => {
    expect(site().urlFor("update", { code: "000007" })).toBe(PATH);
  });
});
