import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk extends Disposable {
  readonly folder: string;
  fill(): void;
  empty(): void;
  setReadOnly(is: boolean): void;
}

/** A file system of its own. Null where nothing can be mounted, as by others than root. @param size as of `mount`: `300m` */
export function mountSmallDisk(size: string): SmallDisk | null {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cloudcode-test-disk-')));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]).status !== 0) {
    rmSync(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    fill: () => void spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'ballast')}`, 'bs=4k'], { stdio: 'ignore' }),
    empty: () => rmSync(join(folder, 'ballast'), { force: true }),
    setReadOnly: (is) => void execFileSync('mount', ['-o', `remount,${is ? 'ro' : 'rw'}`, folder]),
    [Symbol.dispose]() {
      spawnSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true });
    },
  };
}
