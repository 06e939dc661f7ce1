/** What the process that watches and the process of the application send each other, beside what workers/messages.ts has. */

import { fileURLToPath } from "node:url";

/** The paths of `--watch` itself begin with it. */
export const RESERVED_PATH = "/.tsgi/";

/** To the application: files that a page shows have changed. */
export interface FilesChanged {
  readonly kind: "files-changed";
  /** What pages are stamped with from now on. */
  readonly version: string;
  /** Names of the style sheets, such as `style.css`, where nothing else has changed; else `null`. */
  readonly styles: readonly string[] | null;
}

export type FromApplication =
  /** A module is loaded from this file. The version is that of the moment before it is read. */
  | { readonly kind: "loaded"; readonly file: string; readonly version: string }
  /** The page about a failure asks for another try. */
  | { readonly kind: "try-again" };

/** What node sends where its own --watch runs it, before Node 22.15. */
export type NodeReport = Readonly<
  Record<"watch:import" | "watch:require", readonly (string | null | undefined)[] | undefined>
>;

export function reportedFiles(report: NodeReport): readonly string[] {
  return [...(report["watch:import"] ?? []), ...(report["watch:require"] ?? [])].flatMap((place) => {
    if (typeof place !== "string" || place.includes("/node_modules/")) return [];
    if (place.startsWith("file:")) return [fileURLToPath(place.replace(/[?#].*/, ""))];
    return place.startsWith("/") ? [place] : [];
  });
}
