/**
 * 28 Users: the exercise of the course.
 *
 * A list with search, one user by id, and a change of some fields, with a schema for each input. What is wrong in a request gets
 * 400, 404 or 422 with the reason, never 500.
 *
 *     $ tsgi 7788 ./28-users.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -G --data-urlencode city=北京 http://127.0.0.1:7788/users
 *     [{"id":2,"name":"李雷","age":20,"sex":"male","city":"北京"},{"id":3,"name":"韩梅梅","age":21,"sex":"female","city":"北京"}]
 *     $ curl -X PATCH --json '{"age":31}' http://127.0.0.1:7788/users/1
 *     {"id":1,"name":"Ann","age":31,"sex":"female","city":"Paris"}
 *     $ curl http://127.0.0.1:7788/users/9
 *     {"title":"Not Found","status":404,"detail":"There is no user 9","code":"USER_UNKNOWN"}
 *     $ curl -X PATCH --json '{"age":-1}' -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/users/1
 *     422
 */
import { App, HttpError } from "@tsgi/framework";
import { openDatabase, type Database } from "@tsgi/framework/database";
import { migrate } from "@tsgi/framework/migrations";
import { z } from "zod";

const text = z.string().trim().min(1).max(40);
const User = z.object({ id: z.int(), name: text, age: z.int().min(0).max(150), sex: text, city: text });

const app = new App<Database>({
  startup: async () => {
    const db = await openDatabase(process.env["DATABASE_URL"] ?? "sqlite::memory:");
    await migrate(db, `${import.meta.dirname}/migrations`);
    return db;
  },
  shutdown: (db) => db.close(),
});

async function find(db: Database, id: number) {
  const [user] = await db.query("SELECT * FROM users WHERE id = ?", [id], User);
  if (user === undefined) throw new HttpError(404, "USER_UNKNOWN", `There is no user ${id}`);
  return user;
}

app.get("/users", { query: { city: text.nullable().default(null) } }, ({ query: { city }, exchange }) =>
  exchange.state.query("SELECT * FROM users WHERE city = ? OR ? IS NULL ORDER BY id", [city, city], User),
);
app.get("/users/:id<int>", ({ params, exchange }) => find(exchange.state, params.id));
app.patch("/users/:id<int>", { json: User.omit({ id: true }).partial() }, async ({ params, json, exchange }) => {
  const { id, ...old } = await find(exchange.state, params.id);
  const { name = old.name, age = old.age, sex = old.sex, city = old.city } = json;
  await exchange.state.execute("UPDATE users SET name=?, age=?, sex=?, city=? WHERE id=?", [name, age, sex, city, id]);
  return { id, name, age, sex, city };
});

export default app;

/**
 * Exercise: add POST for a new user with 201 and Location, and DELETE with 204.
 * Question: two clients change two fields of one user in the same moment; what can get lost above, and how do you prevent it?
 */
