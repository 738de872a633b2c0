import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCircles } from './circles.ts';
import { roomOf, rooms } from './rooms.ts';
import { readSourceImports } from './source-imports.ts';
import type { SourceImport } from './source-imports.ts';

/** Rooms that compute and do nothing else. */
const pureRooms: readonly string[] = [
  'engine/core',
  'engine/protocol',
  'data/model',
  'data/expression',
  'data/protocol',
  'service/api',
];

/** What pure rooms may import. */
const pureModules: readonly string[] = ['node:util', 'fastest-levenshtein', 'zod'];

/** They start with every attempt, or must outlive everything: no packages. */
const smallRooms: readonly string[] = ['engine/worker', 'engine/fork-server', 'engine/guard', 'data/worker', 'sdk'];

/** Packages that belong to one room. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  pg: ['engine/store'],
  fastify: ['service/http'],
  commander: ['cli'],
  'eventsource-parser': ['client'],
  '@rgrove/parse-xml': ['data/source'],
  esbuild: ['project'],
  ignore: ['project'],
  picomatch: ['project'],
};

const imports = readSourceImports();
const between = imports.filter(({ from, to, isFile }) => isFile && roomOf(from) !== roomOf(to));

describe('the house: imports point one way', () => {
  it('finds imports at all', () => {
    assert.ok(between.length > 0);
  });

  it('the table of rooms points one way: a room names only rooms that stand above it', () => {
    const names = Object.keys(rooms);
    const upwards = names.flatMap((name, place) =>
      (rooms[name] ?? [])
        .filter((below) => !names.slice(0, place).includes(below))
        .map((below) => `${name} names ${below}`),
    );
    assert.deepEqual(upwards, []);
  });

  it('every file is in a room', () => {
    const files = new Set(imports.flatMap(({ from, to, isFile }) => (isFile ? [from, to] : [from])));
    assert.deepEqual(
      [...files].filter((file) => roomOf(file) === null),
      [],
    );
  });

  it('a room imports only the rooms that the table gives it', () => {
    const offences = between.filter((found) => !mayImport(found));
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('pure rooms import nothing that does I/O', () => {
    const offences = imports.filter(
      ({ from, to, isFile }) => !isFile && pureRooms.includes(roomOf(from) ?? '') && !pureModules.includes(to),
    );
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('what starts with every attempt or must outlive everything imports no package', () => {
    const offences = imports.filter(
      ({ from, to, isFile }) => !isFile && smallRooms.includes(roomOf(from) ?? '') && !to.startsWith('node:'),
    );
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('what talks to the outside stays in its room', () => {
    const offences = imports.filter(
      ({ from, to, isTypeOnly }) => !isTypeOnly && packageOwners[to]?.includes(roomOf(from) ?? '') === false,
    );
    assert.deepEqual(offences.map(describeImport), []);
  });

  it('no file imports itself, directly or through others, not for its types either', () => {
    assert.deepEqual(findCircles(imports), []);
  });
});

function mayImport({ from, to }: SourceImport): boolean {
  return rooms[roomOf(from) ?? '']?.includes(roomOf(to) ?? '') === true;
}

function describeImport({ from, line, to }: SourceImport): string {
  return `src/${from}:${line} imports ${to}`;
}
