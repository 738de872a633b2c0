import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeProject } from '../support/runtime.ts';
import { cloudcode, startCloudcode, type Surroundings } from './cloudcode.ts';

const secret = 'a value that nobody sees';

describe('cloudcode variables and environments', { timeout: 240_000 }, () => {
  let folder = '';
  before(() => {
    folder = writeProject({
      shows: `export async function run({ names }) { console.log(names.map((name) => process.env[name]).join()); return names.map((name) => process.env[name]?.length ?? null); }`,
    });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const ask = (args: readonly string[], how: Surroundings = {}) => cloudcode([...args, '--project', folder], how);
  const json = async (...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await ask([...args, '--json'])).stdout);

  it('environments: three are there, others are made, and a misspelt name is told the nearest', async () => {
    const listed = async () =>
      ((await json('environments')) as { environments: { name: string }[] }).environments.map(({ name }) => name);
    assert.deepEqual(await listed(), ['testing', 'staging', 'production']);
    const made = await ask(['environments', 'create', 'customer-7']);
    assert.equal(made.status, 0);
    assert.deepEqual(await listed(), ['testing', 'staging', 'production', 'customer-7']);
    assert.match((await ask(['environments', 'list'])).stdout, /^ENVIRONMENT +DEPLOYED\ntesting +-\n/);
    const refused: readonly (readonly [readonly string[], RegExp])[] = [
      [['environments', 'create', 'Customer-7'], /`customer-7` already.*environment_exists/],
      [['environments', 'create', 'no/name'], /"no\/name" cannot be.*1 to 100 letters.*invalid_environment/],
      [
        ['variables', '--environment', 'customer7'],
        /`customer7`.*environment_not_found[\s\S]*Did you mean `customer-7`/,
      ],
      [['queues', '--environment', 'elsewhere'], /To make it: cloudcode environments create elsewhere/],
      [['environments', 'lst'], /Did you mean `cloudcode environments list`/],
    ];
    for (const [args, message] of refused) {
      const { status, stderr } = await ask(args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    }
  });

  it('variables are set, listed, imported and unset; a masked one comes by standard input and is never shown', async () => {
    assert.equal((await ask(['variables', 'set', 'GREETING', 'Good morning'])).status, 0);
    const masked = await ask(['variables', 'set', 'API_KEY', '--masked'], { input: `${secret}\n` });
    assert.match(masked.stdout, /^API_KEY: set, masked\n$/);
    writeFileSync(
      join(folder, 'more.env'),
      '# comment\nexport ONE="a b"\nTWO=\'$x\'\nGREETING=imported\nLONG="two\nlines"\n',
    );
    const imported = await ask(['variables', 'import', join(folder, 'more.env')]);
    assert.equal(imported.status, 0, imported.stderr);
    const { variables } = (await json('variables')) as { variables: { name: string; value: string | null }[] };
    assert.deepEqual(
      variables.map(({ name, value }) => [name, value]),
      [
        ['API_KEY', null],
        ['GREETING', 'imported'],
        ['LONG', 'two\nlines'],
        ['ONE', 'a b'],
        ['TWO', '$x'],
      ],
    );
    const names = ['API_KEY', 'GREETING', 'ONE', 'LONG'];
    const run = await ask(['run', 'shows', '--parameters', JSON.stringify({ names }), '--json']);
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual((JSON.parse(run.stdout) as { result: unknown }).result, [secret.length, 8, 3, 9]);
    assert.match(run.stderr, /\*\*\*,imported,a b,two/);
    assert.match((await ask(['variables', 'list'])).stdout, /^NAME +VALUE\nAPI_KEY +\*\*\*\n/);
    assert.equal((await ask(['variables', 'unset', 'ONE', 'TWO'])).status, 0);
    assert.match((await ask(['variables', 'unset', 'THREE'])).stderr, /variable_not_found/);
    assert.match((await ask(['variables', 'set', 'A-B', 'x'])).stderr, /"A-B" cannot be the name/);
    const options = await cloudcode(['--project', folder, 'variables', 'set', 'NODE_OPTIONS', '--', '--nonsense']);
    assert.equal(options.status, 2);
    assert.match(options.stderr, /Node cannot start with NODE_OPTIONS: .*--nonsense.*invalid_variable/);
    assert.match((await ask(['variables', 'import', join(folder, 'none.env')])).stderr, /cannot be read/);
    // Nothing of it is anywhere in the project's folder, the store's files included, but in none that is not encrypted.
    assert.deepEqual(filesWith(folder, secret), []);
  });

  it('keys rotate: another master key takes the place of the old one, and what is masked can be read with it', async () => {
    const path = join(folder, '.cloudcode/master.key');
    const before = readFileSync(path, 'utf8');
    const { environments } = (await json('keys', 'rotate')) as { environments: number };
    assert.equal(environments, 1);
    assert.notEqual(readFileSync(path, 'utf8'), before);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const run = await ask(['run', 'shows', '--parameters', '{ "names": ["API_KEY"] }', '--json']);
    assert.deepEqual((JSON.parse(run.stdout) as { result: unknown }).result, [secret.length]);
    const given = { CLOUDCODE_MASTER_KEY: readFileSync(path, 'utf8').trim() };
    assert.match(
      (await ask(['keys', 'rotate'], { env: given })).stderr,
      /master_key_missing[\s\S]*CLOUDCODE_NEW_MASTER_KEY/,
    );
    const next = Buffer.alloc(32, 9).toString('hex');
    assert.equal((await ask(['keys', 'rotate'], { env: { ...given, CLOUDCODE_NEW_MASTER_KEY: next } })).status, 0);
    writeFileSync(path, `${next}\n`, { mode: 0o600 });
    const again = await ask(['run', 'shows', '--parameters', '{ "names": ["API_KEY"] }', '--json']);
    assert.deepEqual((JSON.parse(again.stdout) as { result: unknown }).result, [secret.length]);
  });

  it('environments delete asks for the name again, tells what goes, and deletes it', async () => {
    await ask(['variables', 'set', 'A', 'b', '--environment', 'customer-7']);
    const unconfirmed = await ask(['environments', 'delete', 'customer-7']);
    assert.equal(unconfirmed.status, 2);
    assert.match(
      unconfirmed.stderr,
      /With the environment customer-7 go 0 runs, 0 objects, 1 variable and 0 deployments\./,
    );
    assert.match(unconfirmed.stderr, /not_confirmed[\s\S]*--confirm customer-7/);
    assert.match(
      (await ask(['environments', 'delete', 'customer-7', '--confirm', 'customer-8'])).stderr,
      /not_confirmed/,
    );
    const deleted = await ask(['environments', 'delete', 'customer-7', '--confirm', 'customer-7', '--json']);
    assert.equal(deleted.status, 0, deleted.stderr);
    assert.equal((JSON.parse(deleted.stdout) as { variables: number }).variables, 1);
    const gone = await ask(['environments', 'delete', 'customer-7', '--confirm', 'customer-7']);
    assert.match(gone.stderr, /environment_not_found/);
  });

  it('the master key is a file for its owner alone; another one, or none, stops the start and says what to do', async () => {
    const path = join(folder, '.cloudcode/master.key');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const start = async (env: Readonly<Record<string, string>> = {}) => {
      const started = startCloudcode(['start', '--no-http', '--no-deploy', '--project', folder], { env });
      const ended = await started.ended;
      return { status: ended, stderr: started.stderr() };
    };
    const other = await start({ CLOUDCODE_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') });
    assert.equal(other.status, 2);
    assert.match(
      other.stderr,
      /masked variables of `testing` .* another master key .*master_key_wrong[\s\S]*CLOUDCODE_MASTER_KEY/,
    );
    const malformed = await start({ CLOUDCODE_MASTER_KEY: 'not a key' });
    assert.match(malformed.stderr, /32 bytes, in base64 or hex.*master_key_invalid[\s\S]*openssl rand/);
    assert.equal(malformed.stderr.includes('not a key'), false);
    const kept = readFileSync(path);
    rmSync(path);
    const none = await start();
    assert.equal(none.status, 2);
    assert.match(none.stderr, /there is none in .*master\.key.*master_key_missing/);
    writeFileSync(path, kept, { mode: 0o644 });
    assert.match((await start()).stderr, /can be read by others.*master_key_invalid[\s\S]*chmod 600/);
    rmSync(path);
    // Given in place of the file.
    const run = await ask(
      ['run', 'shows', '--parameters', '{ "names": ["API_KEY", "CLOUDCODE_MASTER_KEY"] }', '--json'],
      {
        env: { CLOUDCODE_MASTER_KEY: kept.toString().trim() },
      },
    );
    assert.deepEqual((JSON.parse(run.stdout) as { result: unknown }).result, [secret.length, null]);
  });
});

/** Files under a folder that hold a text. */
function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(text));
}
