/** The stock app on a database: its routes, its error page, its startup and shutdown. Any TSGI server runs it. */
import { App, type Context, HttpError } from "@tsgi/framework";
import type { Database } from "@tsgi/framework/database";
import type { Handler, OutgoingResponse } from "@tsgi/gateway-spec";
import { eachField } from "@tsgi/gateway-spec/server-kit";
import { install } from "./install.ts";
import { sentenceOfStatus } from "./sentences.ts";
import { StockPages } from "./stock-pages.ts";
import { StockStore } from "./stock-store.ts";

/**
 * @param database gets its tables before the first request, and is closed at the end.
 * @param assets serves the files below `/static/`. The entry file chooses them, because they belong to a server.
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
  app.mount("/static", assets);
  return app;
}

async function start(database: Database): Promise<void> {
  try {
    await install(database);
  } catch (error) {
    // An application that did not start is not shut down.
    await database.close();
    throw error;
  }
}

/** Browsers get an error page of this site; other clients get the problem document of the framework. */
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

/** The messages of the pages are Chinese sentences; those of the framework are English. */
function sentenceOf(error: unknown, status: number): string {
  return error instanceof HttpError && /\p{Script=Han}/u.test(error.message) ? error.message : sentenceOfStatus(status);
}
