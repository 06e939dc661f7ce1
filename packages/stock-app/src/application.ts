/** The stock app on a database: its routes, its error page, its startup and shutdown. Any TSGI server runs it. */
import { App, type Context, type HandlerResult, HttpError } from "@tsgi/framework";
import { compression } from "@tsgi/framework/compression";
import type { Database } from "@tsgi/framework/database";
import { localTopics, type Topics } from "@tsgi/framework/streams";
import type { Handler } from "@tsgi/gateway-spec";
import { eachField } from "@tsgi/gateway-spec/server-kit";
import { addAccount } from "./account.ts";
import { addApi } from "./api.ts";
import { Changes } from "./changes.ts";
import { install } from "./install.ts";
import { type Account, showPage, SpokenError } from "./page.ts";
import { addPeoplePages } from "./people-pages.ts";
import { PeopleStore } from "./people-store.ts";
import { fill, type Sentences } from "./sentences.ts";
import { addNotePage, StockPages } from "./stock-pages.ts";
import { StockStore } from "./stock-store.ts";

export interface StockAppOptions {
  /** Serves the files below `/static/`. The entry file chooses it, because it belongs to a server. */
  readonly assets: Handler;
  /** Encrypt the session cookies; 32 characters each. The first one encrypts, all decrypt. */
  readonly sessionKeys: readonly [string, ...string[]];
  /** Reach the other processes that use the database, so that their open pages follow changes at once. Default: this process only. */
  readonly topics?: Topics & { close?(): Promise<void> };
  /** Gets a line for each request that no route takes, and for a note that the database failed to store. Default: the console. */
  readonly warn?: (line: string) => void;
}

/** @param database gets its tables before the first request, and is closed at the end, as the topics are. */
export function createApplication(
  database: Database,
  { assets, sessionKeys, topics = localTopics(), warn = console.warn }: StockAppOptions,
): App<void> {
  const stocks = new StockStore(database);
  const people = new PeopleStore(database);
  const changes = new Changes(stocks, topics);

  const close = async () => {
    await topics.close?.();
    await database.close();
  };

  const app = new App<void>({
    views: new URL("../views/", import.meta.url),
    layout: "layout",
    onError: (error, context) => {
      if (error instanceof HttpError && error.code === "NOT_FOUND") {
        warn(`no route takes ${context.request.method} ${context.url.pathname}`);
      }
      return showError(error, context, account);
    },
    startup: () => start(database, close),
    shutdown: close,
  });
  app.use(compression());
  const account = addAccount(app, people, sessionKeys);
  app.register(new StockPages(stocks, changes, account));
  addNotePage(app, { stocks, changes, account, warn });
  addPeoplePages(app, people, account);
  addApi(app, { stocks, people, changes, account });
  app.mount("/static", assets);
  // Browsers ask for it where a page names no icon, as the documentation does.
  app.get("/favicon.ico", ({ redirect }) => redirect("/static/favicon.svg", 301));
  return app;
}

async function start(database: Database, close: () => Promise<void>): Promise<void> {
  try {
    await install(database);
  } catch (error) {
    // An application that did not start is not shut down.
    await close();
    throw error;
  }
}

/** Browsers get an error page of this site; other clients get the problem document of the framework. */
function showError(
  error: unknown,
  context: Context<string, void>,
  account: Account,
): HandlerResult | undefined | Promise<HandlerResult> {
  const { request } = context;
  if (context.url.pathname.startsWith("/api/") || request.headers.get("accept")?.includes("text/html") !== true) {
    return undefined;
  }
  const status = statusOf(error);
  const headers: [string, string][] = [["vary", "accept"]];
  if (error instanceof HttpError) eachField(error.headers, (name, value) => void headers.push([name, value]));
  if (status === 503) headers.push(["retry-after", "5"]);
  // The login is in the session cookie or in the database, which may be what has failed.
  return showPage(
    context,
    status >= 500 ? loggedOut : account,
    "error",
    (t) => ({
      page: "error",
      title: status >= 500 ? t.unavailable : t.failed,
      sentence: sentenceOf(error, status, t),
    }),
    { status, headers },
  );
}

const loggedOut: Account = async () => null;

function statusOf(error: unknown): number {
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  return typeof status === "number" ? status : 500;
}

/** The messages of the app's own errors are sentences for the reader; those of the framework are for programs. */
function sentenceOf(error: unknown, status: number, t: Sentences): string {
  if (error instanceof SpokenError) return error.message;
  const name = `status${status}`;
  return name in t ? t[name as keyof Sentences] : fill(t.statusOther, { status });
}
