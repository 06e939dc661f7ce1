/**
 * 26 Stories by number: parameters of the path, and arguments.
 *
 * What the pattern of the path matches is an argument of the method. It is text: the keys of the classic listing are numbers,
 * and `stories["1"]` finds nothing among them. `argument` reads a field of the query or the form.
 *
 *     $ node 26-tornado-story.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/story/1
 *     The hare and the tortoise
 *     $ curl 'http://127.0.0.1:7788/story?number=2&loud=yes'
 *     THE FOX AND THE GRAPES
 *     $ curl http://127.0.0.1:7788/story
 *     {"title":"Bad Request","status":400,"detail":"The field \"number\" is missing","code":"ARGUMENT_MISSING"}
 *     $ curl http://127.0.0.1:7788/story/3
 *     there is no story 3
 */
import { App, HttpError, RequestHandler, type HandlerContext } from "@tsgi/framework";
import { serve } from "@tsgi/server/socket";

type Stories = ReadonlyMap<string, string>;

class StoryHandler extends RequestHandler {
  readonly #stories: Stories;

  constructor(context: HandlerContext, stories: Stories) {
    super(context);
    this.#stories = stories;
  }

  get(number = this.argument("number")) {
    const story = this.#stories.get(number);
    if (story === undefined) throw new HttpError(404, "STORY_UNKNOWN", `there is no story ${number}`);
    return `${this.argument("loud", "no") === "yes" ? story.toUpperCase() : story}\n`;
  }

  writeError(error: HttpError) {
    return error.status === 404 ? `${error.message}\n` : undefined;
  }
}

const stories: Stories = new Map(
  ["The hare and the tortoise", "The fox and the grapes"].map((s, i) => [`${i + 1}`, s]),
);
const app = new App();
app.handle(["/story/(\\d+)", "/story"], StoryHandler, stories);
const server = await serve(app, { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: add a list of all stories at `/`, each with a link.
 * Question: why does the constructor get the stories, in place of a global variable?
 */
