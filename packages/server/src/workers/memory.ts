/** Resident memory of another process. It works for a stuck one too. */
import { readFileSync } from "node:fs";

/** The page size of Linux on x86-64 and arm64. */
const PAGE_BYTES = 4096;

/** In bytes, or `null` where the system does not say: only Linux has `/proc`. */
export function residentBytes(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return null;
  }
}
