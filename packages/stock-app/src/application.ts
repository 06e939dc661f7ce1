/** The stock app on a database: its routes, its error page and its life. Any TSGI server runs it. */
import { App, type Context, HttpError, respond } from "@tsgi/framework";
import type { Database } from "@tsgi/framework/database";
import type { Handler, OutgoingResponse } from "@tsgi/gateway-spec";
import { eachField } from "@tsgi/gateway-spec/server-kit";
import { install } from "./install.ts";
import { sentenceOfStatus } from "./sentences.ts";
import { StockPages } from "./stock-pages.ts";
import { StockStore } from "./stock-store.ts";

/**
 * @param database is set up before the first request, and closed at the end.
 * @param assets answers what is below `/static/`: which server's files they are is for the entry file to say.
 */
export function createApplication(database: Database, assets: Handler): App<void> {
  const app = new App<void>({
    views: new URL("../views/", import.meta.url),
    layout: "layout",
    onError: showError,
    startup: () => start(database),
    shutdown: () => database.close(),
  });
  app.register(new StockPages(new StockStore(database)));
  app.get("/static/*path", async ({ request, exchange }) => respond(await assets(request, exchange)));
  return app;
}

async function start(database: Database): Promise<void> {
  try {
    await install(database);
  } catch (error) {
    // What did not start is not shut down either.
    await database.close();
    throw error;
  }
}

/** Errors as a page of ours where a browser asks; everybody else gets the framework's problem document. */
function showError(error: unknown, context: Context<string, void>): OutgoingResponse | undefined {
  if (context.request.headers.get("accept")?.includes("text/html") !== true) return undefined;
  const status = statusOf(error);
  const headers: [string, string][] = [["vary", "accept"]];
  if (error instanceof HttpError) eachField(error.headers, (name, value) => void headers.push([name, value]));
  if (status === 503) headers.push(["retry-after", "5"]);
  return context.render(
    "error",
    { page: "error", title: titleOf(status), sentence: sentenceOf(error, status) },
    { status, headers },
  );
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  return typeof status === "number" ? status : 500;
}

function titleOf(status: number): string {
  return status >= 500 ? "暂时无法访问" : "没有成功";
}

/** The pages' own errors speak to the reader; those of the framework speak English. */
function sentenceOf(error: unknown, status: number): string {
  return error instanceof HttpError && /\p{Script=Han}/u.test(error.message) ? error.message : sentenceOfStatus(status);
}
