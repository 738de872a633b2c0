import { createHash } from 'node:crypto';

const hashDigits = 12;

/** A name of ASCII, cut to what PostgreSQL takes of it; then it ends with `~` and a hash, so that no two become one. */
export function shortName(name: string, longest: number): string {
  if (name.length <= longest) return name;
  return `${name.slice(0, longest - hashDigits - 1)}~${createHash('sha256').update(name).digest('hex').slice(0, hashDigits)}`;
}
