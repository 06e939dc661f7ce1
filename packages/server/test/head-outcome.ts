import { RequestError } from "../src/http1/index.ts";

/** What a check of a head returns, or the code with which it rejects the head. */
export function outcome(read: () => number | string): number | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof RequestError) return error.code;
    throw error;
  }
}
