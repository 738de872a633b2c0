import { closest, distance } from 'fastest-levenshtein';

/** The known name that a misspelt one most likely means, or null when none is near. */
export function suggest(misspelt: string, known: readonly string[]): string | null {
  if (known.length === 0) return null;
  const best = closest(
    misspelt.toLowerCase(),
    known.map((name) => name.toLowerCase()),
  );
  const nearest = known.find((name) => name.toLowerCase() === best);
  if (nearest === undefined) return null;
  return distance(misspelt.toLowerCase(), best) <= Math.max(2, Math.floor(misspelt.length / 3)) ? nearest : null;
}
