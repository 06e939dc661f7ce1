/** The page of 50 rows that the servers of several benchmarks send, and the view that makes it. */
import { readFileSync } from "node:fs";
import { Eta } from "eta";

export const VIEWS: URL = new URL("../views/", import.meta.url);
export const TITLE = "股票列表";

export interface Stock {
  readonly id: number;
  readonly code: string;
  readonly short: string;
  readonly chg: string;
  readonly turnover: string;
  readonly price: string;
  readonly highs: string;
  readonly time: string;
}

export function stock(id: number): Stock {
  return {
    id,
    code: String(id).padStart(6, "0"),
    short: "全新好",
    chg: "10.01%",
    turnover: "4.40%",
    price: "16.05",
    highs: "14.60",
    time: "2017-07-18",
  };
}

export const STOCKS: readonly Stock[] = Array.from({ length: 50 }, (_, index) => stock(index + 1));

/** The page that the view makes of the stocks. */
export function stocksPage(): string {
  const view = readFileSync(new URL("stocks.html", VIEWS), "utf8");
  return new Eta({ autoTrim: false }).renderString(view, { title: TITLE, stocks: STOCKS });
}
