import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readSourceImports } from './source-imports.ts';
import type { SourceImport } from './source-imports.ts';

/**
 * Which folders of src/ a folder may import. Imports point one way: docs/architecture.md shows the house.
 * `package-root` and `main` are the files of src/ itself; `containment` is src/runner/containment, which the guard shares.
 */
const allowedFolders: Readonly<Record<string, readonly string[]>> = {
  core: [],
  protocol: ['core'],
  'package-root': [],
  // A worker starts fast and holds no database credentials.
  worker: ['core', 'protocol'],
  // A worker that was forked: what both share is loaded before the fork.
  'fork-server': ['core', 'protocol', 'worker'],
  sdk: ['core', 'protocol'],
  containment: ['core', 'protocol', 'package-root'],
  guard: ['core', 'protocol', 'containment'],
  project: ['core', 'protocol', 'package-root'],
  store: ['core', 'protocol', 'package-root'],
  data: ['core', 'protocol', 'store'],
  client: ['core', 'protocol'],
  operations: ['core', 'protocol', 'store', 'data', 'project'],
  runner: ['core', 'protocol', 'store', 'data', 'project', 'operations', 'containment', 'fork-server', 'package-root'],
  http: ['core', 'protocol', 'store', 'operations', 'package-root'],
  testing: ['core', 'protocol', 'store', 'data', 'project', 'operations', 'runner', 'package-root'],
  chaos: ['core', 'protocol', 'store', 'data', 'project', 'operations', 'containment', 'package-root'],
  main: ['core', 'protocol', 'store', 'data', 'project', 'operations', 'runner', 'http', 'package-root'],
  cli: ['core', 'protocol', 'store', 'data', 'project', 'operations', 'runner', 'http', 'client', 'chaos', 'main', 'package-root'],
};

/** Modules that compute and do nothing else: what `core` and `protocol` may import. */
const pureModules: readonly string[] = ['node:util', 'fastest-levenshtein', 'zod'];

/** Packages that belong to one folder; LISTEN needs a connection and a loop of its own, so the runner has `pg` for it. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  pg: ['store', 'runner'],
  fastify: ['http'],
  commander: ['cli'],
  '@rgrove/parse-xml': ['project'],
  esbuild: ['project'],
  ignore: ['project'],
  picomatch: ['project'],
  picocolors: ['cli'],
};

const imports = readSourceImports();

describe('the house: imports point one way', () => {
  it('finds imports at all', () => {
    assert.ok(imports.length > 0);
  });

  it('a folder imports only the folders below it', () => {
    const offences = imports.filter(({ from, to, isFile }) => isFile && !mayImport(folderOf(from), folderOf(to)));
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('core and protocol import nothing that does I/O', () => {
    const offences = imports.filter(({ from, to, isFile }) => {
      return !isFile && ['core', 'protocol'].includes(folderOf(from)) && !pureModules.includes(to);
    });
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('worker, fork server, sdk and guard import no package: they start with every attempt or must outlive everything', () => {
    const offences = imports.filter(({ from, to, isFile }) => {
      return !isFile && ['worker', 'fork-server', 'sdk', 'guard'].includes(folderOf(from)) && !to.startsWith('node:');
    });
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('what talks to the outside stays in its folder', () => {
    const offences = imports.filter(({ from, to, isTypeOnly }) => !isTypeOnly && packageOwners[to]?.includes(folderOf(from)) === false);
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('no file imports itself, directly or through others', () => {
    assert.deepEqual(findCycles(), []);
  });
});

function mayImport(from: string, to: string): boolean {
  return from === to || allowedFolders[from]?.includes(to) === true;
}

function folderOf(file: string): string {
  if (file.startsWith('runner/containment/')) return 'containment';
  return file.split('/', 1)[0]?.replace(/\.ts$/, '') ?? file;
}

function describeImport({ from, line, to }: SourceImport): string {
  return `src/${from}:${line} imports ${to}`;
}

/** Each cycle once, as the path that closes it. Imports of types alone are left out: types live beside the function that uses them. */
function findCycles(): readonly string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to, isFile, isTypeOnly } of imports) if (isFile && !isTypeOnly) targets.set(from, [...(targets.get(from) ?? []), to]);
  const finished = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (finished.has(file)) return;
    for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
    finished.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return cycles;
}
