/**
 * A pattern with Unicode properties (`\p{…}`), made when it is first used: V8 builds their sets of characters when it reads a literal, also one that is never used. That was a millisecond of
 * every worker's start, and only errors need them.
 */
export function lazyPattern(source: string, flags: string): () => RegExp {
  let made: RegExp | null = null;
  return () => (made ??= new RegExp(source, flags));
}
