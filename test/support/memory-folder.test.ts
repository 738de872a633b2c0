import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { env, execPath, pid } from 'node:process';
import { describe, it, type TestContext } from 'node:test';
import { makeMemoryFolder } from './memory-folder.ts';

const enough = 8 * 1024 ** 3;

/** A file system in memory. Null where nothing can be mounted, as by others than root. */
function mountMemory(t: TestContext, options: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'cloudcode-memory-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status !== 0) {
    rmSync(folder, { recursive: true });
    t.skip('a file system in memory can be mounted by root only');
    return null;
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

describe('the temporary files of the tests are in memory', () => {
  it('in a folder that everybody can use', (t) => {
    const memory = mountMemory(t, 'size=6g');
    if (memory === null) return;
    const folder = makeMemoryFolder(memory, enough);
    assert.ok(folder !== null);
    assert.equal(dirname(folder), memory);
    assert.equal(statSync(folder).mode & 0o7777, 0o1777);
  });

  it('which is gone when they are over, and is not used by those who set TMPDIR', () => {
    const module = new URL('memory-folder.ts', import.meta.url).href;
    const script = `(await import('${module}')).useMemoryFolder(); const folder = process.env.TMPDIR ?? null;
      console.log(JSON.stringify({ folder, exists: folder !== null && (await import('node:fs')).existsSync(folder) }))`;
    const use = (TMPDIR?: string): { folder: string | null; exists: boolean } => {
      const { TMPDIR: _, ...inherited } = env;
      const given = { ...inherited, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
      const printed = execFileSync(execPath, ['--input-type=module', '--eval', script], { env: given });
      return JSON.parse(printed.toString()) as { folder: string | null; exists: boolean };
    };
    const { folder, exists } = use();
    // Null where a machine has no memory for it.
    assert.ok(folder === null || (exists && !existsSync(folder)), folder ?? '');
    assert.deepEqual(use(tmpdir()), { folder: tmpdir(), exists: true });
    assert.ok(existsSync(tmpdir()));
  });

  it('those of a run that was killed are removed by the next one, and nobody else’s', (t) => {
    const memory = mountMemory(t, 'size=6g');
    if (memory === null) return;
    const [killed, alive, other] = [`cloudcode-4190000-x`, `cloudcode-${pid}-x`, 'something'];
    for (const name of [killed, alive, other]) {
      mkdirSync(join(memory, name));
      writeFileSync(join(memory, name, 'file'), '');
    }
    makeMemoryFolder(memory, enough);
    assert.deepEqual(
      [killed, alive, other].map((name) => existsSync(join(memory, name))),
      [false, true, true],
    );
  });

  it('and on the disk where there is no memory for them, too little, or none to execute programs in', (t) => {
    // The tests' own temporary files may be in memory.
    const disk = mkdtempSync('/var/tmp/cloudcode-disk-');
    assert.deepEqual([makeMemoryFolder(disk, enough), makeMemoryFolder('/nowhere', enough)], [null, null]);
    // With all the marks of a file system in memory but its kind.
    if (spawnSync('mount', ['--bind', disk, disk]).status === 0) {
      const made = makeMemoryFolder(disk, enough);
      execFileSync('umount', ['--lazy', disk]);
      assert.equal(made, null);
    }
    rmSync(disk, { recursive: true });
    for (const options of ['size=1g', 'size=6g,noexec', 'size=6g,ro']) {
      const memory = mountMemory(t, options);
      if (memory !== null) assert.equal(makeMemoryFolder(memory, enough), null, options);
    }
    const memory = mountMemory(t, 'size=6g');
    if (memory !== null) assert.equal(makeMemoryFolder(memory, enough - 1), null);
  });
});
