import { CloudCodeError } from '../../core/errors.ts';
import type { ReachedPackage } from './reach-packages.ts';

const named = 8;

/** @throws CloudCodeError `packages_too_large` */
export function refuseTooLarge(packages: readonly ReachedPackage[], maxMb: number): void {
  const all = packages.reduce((sum, { bytes }) => sum + bytes, 0);
  if (all <= maxMb * 1_000_000) return;
  const largest = packages.toSorted((left, right) => right.bytes - left.bytes).slice(0, named);
  const list = largest.map(({ name, bytes }) => `  ${inMb(bytes).padStart(8)}  ${name}`).join('\n');
  throw new CloudCodeError('packages_too_large', `The packages that the tasks reach have ${inMb(all)}, and a deployment may have ${maxMb} MB of them.\nThe largest of ${packages.length}:\n${list}`, {
    hint: 'Import smaller ones, or raise `maxPackagesMb` in cloudcode.config.ts.',
  });
}

function inMb(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
