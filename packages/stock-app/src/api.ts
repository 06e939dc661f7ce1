/** The handlers of the REST interface. Its messages are English; a page finds its own sentence by the code of the problem. */
import { type App, HttpError } from "@tsgi/framework";
import { docs } from "@tsgi/framework/openapi";
import { required } from "./account.ts";
import type { Changes } from "./changes.ts";
import { api, type FollowedStock, type User } from "./contract.ts";
import type { Account } from "./page.ts";
import type { PeopleStore, UserRefusal } from "./people-store.ts";
import { SENTENCES } from "./sentences.ts";
import { refusal } from "./stock-pages.ts";
import type { Refusal, StockStore } from "./stock-store.ts";

export interface Services {
  readonly stocks: StockStore;
  readonly people: PeopleStore;
  readonly changes: Changes;
  readonly account: Account;
}

export function addApi(app: App<void>, { stocks, people, changes, account }: Services): void {
  /** The stock as it is after a change. */
  const changed = async (outcome: "done" | Refusal, code: string): Promise<FollowedStock> => {
    found(outcome, code);
    await changes.announce();
    return found(await stocks.findFollowed(code), code);
  };
  const signedIn = required(account);

  app.on(api, {
    listStocks: ({ query }) => stocks.list(query),
    showStock: async ({ params }) => found(await stocks.find(params.code), params.code),
    listFollowed: () => stocks.followed(),
    showFollowed: async ({ params }) => found(await stocks.findFollowed(params.code), params.code),
    follow: async ({ json, header, urlFor }) => {
      const stock = await changed(await stocks.follow(json.code, json.note), json.code);
      header("location", urlFor(api.showFollowed, { code: json.code }));
      return stock;
    },
    setNote: async ({ params, json }) => changed(await stocks.setNote(params.code, json.note), params.code),
    unfollow: async ({ params }) => {
      const stock = found(await stocks.findFollowed(params.code), params.code);
      found(await stocks.unfollow(params.code), params.code);
      await changes.announce();
      return stock;
    },
    listUsers: ({ query }) => people.listUsers(query),
    showUser: async ({ params }) => user(await people.findUser(params.id)),
    addUser: async ({ json, need, header, urlFor }) => {
      await need(signedIn);
      const added = user(await people.addUser(json));
      header("location", urlFor(api.showUser, { id: added.id }));
      return added;
    },
    updateUser: async ({ params, json, need }) => {
      await need(signedIn);
      return user(await people.updateUser(params.id, json));
    },
  });
  docs(app, { title: "TSGI stock app", version: "0.1.0" });
}

function found<Found>(outcome: Found | Refusal, code: string): Exclude<Found, Refusal> {
  if (isRefusal(outcome)) throw refusal(outcome, code, SENTENCES.en);
  return outcome as Exclude<Found, Refusal>;
}

const REFUSALS: ReadonlySet<unknown> = new Set<Refusal>([
  "no such stock",
  "already followed",
  "not followed",
  "note not storable",
]);

function isRefusal(value: unknown): value is Refusal {
  return REFUSALS.has(value);
}

function user(outcome: User | UserRefusal | null): User {
  if (outcome === "name taken") throw new HttpError(409, "NAME_TAKEN", SENTENCES.en.nameTaken);
  if (outcome === null || outcome === "no such user") {
    throw new HttpError(404, "USER_UNKNOWN", SENTENCES.en.noSuchUser);
  }
  return outcome;
}
