/** `wsgi.file_wrapper`. */
import { closeSync, readSync } from "node:fs";
import type { FileLike, FileWrapper } from "./types.ts";

/** 64 KiB: a block is read when the client has taken the last one. */
const DEFAULT_BLOCK_BYTES = 64 * 1024;

export const fileWrapper: FileWrapper = (file, blockBytes = DEFAULT_BLOCK_BYTES) => {
  const source = typeof file === "number" ? descriptor(file) : file;
  return {
    *[Symbol.iterator]() {
      for (let block = source.read(blockBytes); block.length > 0; block = source.read(blockBytes)) yield block;
    },
    close: () => source.close?.(),
  };
};

function descriptor(fd: number): FileLike {
  return {
    read: (size) => {
      const block = Buffer.allocUnsafe(size);
      return block.subarray(0, readSync(fd, block));
    },
    close: () => {
      closeSync(fd);
    },
  };
}
