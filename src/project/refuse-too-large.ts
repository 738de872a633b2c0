import { CloudCodeError } from '../engine/core/errors.ts';

interface Limited {
  readonly code: 'packages_too_large' | 'files_too_large';
  /** Begins the message: `The packages that the tasks reach`. */
  readonly what: string;
  /** Of 1,000,000 bytes. */
  readonly maxMb: number;
  readonly hint: string;
}

const named = 8;

/** Refuses what is larger together than it may be, and names the largest. @throws CloudCodeError of the given code */
export function refuseTooLarge(
  parts: readonly { readonly name: string; readonly bytes: number }[],
  { code, what, maxMb, hint }: Limited,
): void {
  const all = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  if (all <= maxMb * 1_000_000) return;
  const largest = parts.toSorted((left, right) => right.bytes - left.bytes).slice(0, named);
  const list = largest.map(({ name, bytes }) => `  ${inMb(bytes).padStart(8)}  ${name}`).join('\n');
  throw new CloudCodeError(
    code,
    `${what} have ${inMb(all)}, and a deployment may have ${maxMb} MB of them.\nThe largest of ${parts.length}:\n${list}`,
    { hint },
  );
}

function inMb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
