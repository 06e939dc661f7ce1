/** The length of a note. The script of the pages imports it too, so it imports nothing. */

/** In characters (code points): an emoji is one. The column is as wide. */
export const MAX_NOTE_LENGTH = 200;

export function isNoteTooLong(note: string): boolean {
  return Array.from(note).length > MAX_NOTE_LENGTH;
}
