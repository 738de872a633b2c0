// What a change must pass besides the tests, in less than a minute: `npm run check`. It keeps what it found, and looks again at what has changed since; `npm run lint`, which CI runs, keeps nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import process, { execPath, stdout } from 'node:process';
import { text } from 'node:stream/consumers';
import { packageRoot } from '../src/package-root.ts';

const cache = 'node_modules/.cache';
const bin = (name: string): string => join(packageRoot, 'node_modules/.bin', name);
const checks: Readonly<Record<string, readonly string[]>> = {
  format: [bin('oxfmt'), '--check'],
  lint: [bin('eslint'), '.', '--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/eslint/`],
  types: ['npm', 'run', '--silent', 'types'],
  'unused code': [execPath, '--test', ...globSync('test/architecture/*.test.ts', { cwd: packageRoot })],
};
await Promise.all(
  Object.entries(checks).map(async ([name, [file = '', ...args]]) => {
    const began = performance.now();
    const child = spawn(file, args, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, errors, [status]] = (await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])) as [string, string, [number | null]];
    stdout.write(
      `${name}: ${status === 0 ? 'fine' : 'FAILED'} (${((performance.now() - began) / 1000).toFixed(1)} s)\n${status === 0 ? '' : `${out}${errors}\n`}`,
    );
    if (status !== 0) process.exitCode = 1;
  }),
);
