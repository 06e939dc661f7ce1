/**
 * 29 Students: a page by parameter.
 *
 * One view and one route serve a page for each student. A number that no student has is 404, and something that is no number
 * does not reach the handler.
 *
 *     $ tsgi 7788 ./29-students.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/
 *     <ul><li><a href="/students/1">Ann</a></li><li><a href="/students/2">李雷</a></li></ul>
 *     $ curl http://127.0.0.1:7788/students/2
 *     <h1>李雷</h1><p>Mathematics: 92</p>
 *     $ curl http://127.0.0.1:7788/students/x http://127.0.0.1:7788/students/3 -o /dev/null -o /dev/null -w '%{http_code}\n'
 *     404
 *     404
 */
import { App, html, HttpError, route } from "@tsgi/framework";

const students = new Map([
  [1, { name: "Ann", marks: { History: 85 } }],
  [2, { name: "李雷", marks: { Mathematics: 92 } }],
]);

const student = route("GET /students/:id<int>");
const app = new App();

app.get("/", () => {
  const links = [...students].map(([id, { name }]) => html`<li><a href="${student.url({ id })}">${name}</a></li>`);
  return html`<ul>${links}</ul>\n`;
});

app.on(student, ({ params }) => {
  const found = students.get(params.id);
  if (found === undefined) throw new HttpError(404, "STUDENT_UNKNOWN");
  const marks = Object.entries(found.marks).map(([subject, mark]) => html`<p>${subject}: ${mark}</p>`);
  return html`<h1>${found.name}</h1>${marks}\n`;
});

export default app;

/**
 * Exercise: take the students from a table of the database of lesson 28.
 * Question: `<int>` makes the parameter a number; with a text as key the Map finds no student. Which lesson had that mistake?
 */
