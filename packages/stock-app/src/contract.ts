/**
 * What the REST interface takes and gives, as route values. The server, the tests and the script of the pages share this file, so it
 * imports nothing of Node.
 */
import { route, routes } from "@tsgi/framework/route";
import { z } from "zod";
import { isNoteTooLong, MAX_NOTE_LENGTH } from "./note.ts";

/** A stock. Numbers are text, as in the source: change `-10.00%`, price `16.05`. */
export const Stock = z.object({
  /** Six digits. */
  code: z.string(),
  short: z.string(),
  chg: z.string(),
  turnover: z.string(),
  price: z.string(),
  highs: z.string(),
  /** The day of the former high: `2017-07-18`. */
  time: z.string().nullable(),
});
export type Stock = z.infer<typeof Stock>;

export const ListedStock = Stock.extend({ followed: z.boolean() });
export type ListedStock = z.infer<typeof ListedStock>;

export const FollowedStock = Stock.extend({ note: z.string() });
export type FollowedStock = z.infer<typeof FollowedStock>;

const Code = z.string().regex(/^\d{6}$/, "Write six digits");
const Note = z
  .string()
  .trim()
  .refine((note) => !isNoteTooLong(note), `At most ${MAX_NOTE_LENGTH} characters`);

/** Columns by which the list can be sorted. A minus in front sorts in descending order. */
export const SORT_KEYS = ["code", "short", "chg", "turnover", "price", "highs", "distance", "time"] as const;
export type SortKey = (typeof SORT_KEYS)[number];
export type Sort = SortKey | `-${SortKey}`;
const SORTS = SORT_KEYS.flatMap((key): readonly Sort[] => [key, `-${key}`]);

export const FILTERS = ["followed", "unfollowed", "up", "down"] as const;
export type Filter = (typeof FILTERS)[number];

export const PAGE_SIZE = 100;
const MAX_PAGE = 10_000;

/** What the list can be asked for, by its page and by the REST interface. */
export const ListQuery = {
  /** The beginning of a code, or a part of a name. */
  q: z.string().trim().max(20).default(""),
  /** Default: the order of the table. */
  sort: z.enum(["", ...SORTS]).default(""),
  show: z.enum(["", ...FILTERS]).default(""),
  page: z.coerce.number().int().min(1).max(MAX_PAGE).default(1),
};
export interface ListRequest {
  readonly q: string;
  readonly sort: Sort | "";
  readonly show: Filter | "";
  readonly page: number;
}

export const SEXES = ["male", "female"] as const;

export const User = z.object({
  id: z.number().int(),
  name: z.string(),
  age: z.number().int().nullable(),
  sex: z.string().nullable(),
  city: z.string().nullable(),
});
export type User = z.infer<typeof User>;

/** The fields of a user that can be written. */
export const UserFields = z.object({
  name: z.string().trim().min(1).max(50),
  age: z.number().int().min(0).max(150).nullable(),
  sex: z.enum(SEXES).nullable(),
  city: z.string().trim().max(50).nullable(),
});
export type UserFields = z.infer<typeof UserFields>;

export const UserQuery = {
  /** A part of the name. */
  q: z.string().trim().max(50).default(""),
  sex: z.enum(["", ...SEXES]).default(""),
  city: z.string().trim().max(50).default(""),
  page: z.coerce.number().int().min(1).max(MAX_PAGE).default(1),
};
export type UserRequest = Readonly<{ q: string; sex: string; city: string; page: number }>;

/** A page of a list. There is a next page if `more` is true; the total is not counted. */
const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item).readonly(), page: z.number().int(), more: z.boolean() });

export const api = routes({
  listStocks: route("GET /api/stocks", {
    query: ListQuery,
    response: pageOf(ListedStock),
    summary: "Lists stocks, sorted and filtered",
  }),
  showStock: route("GET /api/stocks/:code(\\d{6})", { response: ListedStock, summary: "Shows a stock" }),
  listFollowed: route("GET /api/followed", {
    response: z.array(FollowedStock).readonly(),
    summary: "Lists the followed stocks",
  }),
  showFollowed: route("GET /api/followed/:code(\\d{6})", {
    response: FollowedStock,
    summary: "Shows a followed stock with its note",
  }),
  follow: route("POST /api/followed", {
    json: z.object({ code: Code, note: Note.default("") }),
    response: FollowedStock,
    status: 201,
    summary: "Follows a stock",
  }),
  setNote: route("PATCH /api/followed/:code(\\d{6})", {
    json: z.object({ note: Note }),
    response: FollowedStock,
    summary: "Replaces the note of a followed stock",
  }),
  unfollow: route("DELETE /api/followed/:code(\\d{6})", {
    response: FollowedStock,
    summary: "Stops following a stock; the response has the note that was removed",
  }),
  listUsers: route("GET /api/users", { query: UserQuery, response: pageOf(User), summary: "Lists and searches users" }),
  showUser: route("GET /api/users/:id<int>", { response: User, summary: "Shows a user" }),
  addUser: route("POST /api/users", {
    json: UserFields.extend({
      age: UserFields.shape.age.default(null),
      sex: UserFields.shape.sex.default(null),
      city: UserFields.shape.city.default(null),
    }),
    response: User,
    status: 201,
    summary: "Adds a user; needs a login",
  }),
  updateUser: route("PATCH /api/users/:id<int>", {
    json: UserFields.partial(),
    response: User,
    summary: "Changes the given fields of a user; needs a login",
  }),
});
