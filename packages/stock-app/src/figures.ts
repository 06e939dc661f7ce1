/** Figures of a stock as the pages show them. */
import type { Stock } from "./contract.ts";

export interface Figure {
  /** With its sign: `+10.01%`. */
  readonly text: string;
  readonly direction: "up" | "down" | "flat";
}

/** A change in percent, with a sign: colour alone does not tell a gain from a loss. */
export function signed(change: string): Figure {
  const value = Number.parseFloat(change);
  if (!(value !== 0)) return { text: change, direction: "flat" };
  return value < 0 ? { text: change.replace("-", "−"), direction: "down" } : { text: `+${change}`, direction: "up" };
}

export interface Distance extends Figure {
  /** The bar, in a box of 100 units with the former high at 50: where it begins, and how wide it is. */
  readonly start: number;
  readonly width: number;
}

/** The distance at which the bar ends, in percent. */
const BAR_PERCENT = 10;

/** How far the price is above or below the former high; `null` where there is no high. */
export function distanceOf({ price, highs }: Pick<Stock, "price" | "highs">): Distance | null {
  const high = Number.parseFloat(highs);
  const percent = ((Number.parseFloat(price) - high) / high) * 100;
  if (!Number.isFinite(percent)) return null;
  const width = Math.min(Math.abs(percent) / BAR_PERCENT, 1) * 50;
  return { ...signed(`${percent.toFixed(2)}%`), start: percent < 0 ? 50 - width : 50, width };
}
