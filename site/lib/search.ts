/**
 * The functions of the search. VitePress sends their source to the browser, so they refer to nothing outside of themselves.
 */

/**
 * Splits text into the words of the index. A run of Chinese characters has no spaces, so it becomes overlapping pairs of characters,
 * and its last character alone. The search finds a single character as the beginning of a pair.
 */
export function tokenize(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/\p{Script=Han}+|[^\p{Script=Han}\p{Z}\p{P}\p{S}\s]+/gu)) {
    if (/^\p{Script=Han}/u.test(word)) {
      const characters = Array.from(word);
      for (let at = 0; at < characters.length; at += 1) words.push(characters.slice(at, at + 2).join(""));
    } else words.push(word);
  }
  return words;
}

/** A word of Latin letters may differ in a fifth of its letters; a Chinese one is found exactly. */
export function fuzziness(word: string): number | false {
  return /\p{Script=Han}/u.test(word) ? false : 0.2;
}
