/**
 * 30 REST: resources and their representations.
 *
 * An address names a thing, the method says what happens to it, the status says how that went. A client needs no documentation
 * to delete what it can read.
 *
 *     $ tsgi 7788 ./30-rest.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl --json '{"title":"HTTP"}' -w '%{http_code} %header{location}\n' http://127.0.0.1:7788/books
 *     {"id":1,"title":"HTTP"}201 /books/1
 *     $ curl -X PUT --json '{"title":"TCP"}' http://127.0.0.1:7788/books/1
 *     {"id":1,"title":"TCP"}
 *     $ curl -X DELETE -w '%{http_code}\n' http://127.0.0.1:7788/books/1
 *     204
 *     $ curl -X DELETE -w '%{http_code}\n' -o /dev/null http://127.0.0.1:7788/books/1
 *     404
 *     $ curl --json '{"titel":"IP"}' -w '%{http_code}\n' -o /dev/null http://127.0.0.1:7788/books
 *     422
 */
import { App, HttpError, route } from "@tsgi/framework";
import { z } from "zod";

const Content = z.object({ title: z.string().trim().min(1) });
type Book = z.infer<typeof Content> & { readonly id: number };
const books = new Map<number, Book>();
let lastId = 0;

function find(id: number): Book {
  const book = books.get(id);
  if (book === undefined) throw new HttpError(404, "BOOK_UNKNOWN");
  return book;
}

const app = new App();
const show = route("GET /books/:id<int>");
app.get("/books", () => [...books.values()]);
app.on(show, ({ params }) => find(params.id));
app.post("/books", { json: Content }, ({ json, reply }) => {
  const book = { id: ++lastId, ...json };
  books.set(book.id, book);
  return reply(book, { status: 201, headers: { location: show.url({ id: book.id }) } });
});
app.put("/books/:id<int>", { json: Content }, ({ params, json }) => {
  const book = { ...find(params.id), ...json };
  books.set(book.id, book);
  return book;
});
app.delete("/books/:id<int>", ({ params }) => {
  books.delete(find(params.id).id);
  return null;
});
export default app;

/**
 * Exercise: add PATCH, and a list by pages with `?page=2`.
 * Question: which of the methods may a client repeat after a timeout without knowing whether the first request arrived?
 */
