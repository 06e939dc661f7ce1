/** Finds the known name that a mistyped one probably stands for. */

/**
 * The closest of the known names, or `null`. Upper case, hyphens and underscores do not count, so that `maxBodyBytes`,
 * `--max-body-bytes` and `MAX_BODY_BYTES` are equal. At most two characters differ, in a short name one; or one name contains the
 * other, as `hostname` contains `host`, unless `parts` is false.
 */
export function closestName(given: string, known: Iterable<string>, parts = true): string | null {
  const plain = simplify(given);
  const most = plain.length < 6 ? 1 : 2;
  let closest: string | null = null;
  let least = most + 1;
  for (const name of known) {
    const candidate = simplify(name);
    const isPart = parts && plain.length > 2 && (candidate.includes(plain) || plain.includes(candidate));
    const distance = Math.min(editDistance(plain, candidate), isPart ? most : Number.POSITIVE_INFINITY);
    if (distance >= least) continue;
    least = distance;
    closest = name;
  }
  return closest;
}

function simplify(name: string): string {
  return name.replaceAll(/[-_]/g, "").toLowerCase();
}

/** Insertions, deletions, replacements and exchanges of neighbours that turn one text into the other (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let distance = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        distance = Math.min(distance, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}
