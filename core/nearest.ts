/** "Did you mean": the known name that is nearest to what was written. */

/** Longer texts are cut before they are compared, so that a hostile one costs nothing. */
const COMPARED_CHARS_MAX = 64;

/**
 * Undefined when nothing is near: more than `lettersMax` letters would change, which is a third of
 * them, and at least two.
 */
export function nearest(
  written: string,
  known: Iterable<string>,
  lettersMax = Math.max(2, Math.floor(written.slice(0, COMPARED_CHARS_MAX).length / 3)),
): string | undefined {
  const word = written.slice(0, COMPARED_CHARS_MAX);
  let best: string | undefined;
  let bestDistance = lettersMax + 1;
  for (const name of known) {
    // So many letters would change at least: no need to count them.
    const least = Math.abs(word.length - Math.min(name.length, COMPARED_CHARS_MAX));
    if (least >= bestDistance) continue;
    const distance = editDistance(
      word.toLowerCase(),
      name.toLowerCase().slice(0, COMPARED_CHARS_MAX),
    );
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
