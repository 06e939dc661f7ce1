/** What a need reads of the content of a request, for documents of an API. Needs are functions, so it stands beside them. */
import type { Fields } from "./validation/schema.ts";

/** A form with files. */
export interface MultipartContent {
  /** The fields that are no files; without a schema there may be any. */
  readonly fields?: Fields;
  /** The name of the one file that is required; without it any field may be a file. */
  readonly file?: string;
  /** The media types that a file may have. */
  readonly types?: readonly string[];
}

const contents = new WeakMap<object, MultipartContent>();

/** @returns the need. */
export function readsMultipart<N extends object>(need: N, content: MultipartContent): N {
  contents.set(need, content);
  return need;
}

export function multipartOf(need: object): MultipartContent | undefined {
  return contents.get(need);
}
