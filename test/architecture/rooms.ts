/**
 * The rooms of src/, bottom first, and which rooms each may import. Imports point one way, so a room names only rooms that stand above it here: docs/architecture.md shows the house.
 * `package-root` and `main` are files of src/ itself; `main` has a folder as well. `engine/runner/containment` is a room of its own because the guard shares it.
 */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  'package-root': [],
  'engine/core': [],
  'data/model': ['engine/core'],
  'data/expression': ['engine/core', 'data/model'],
  'engine/protocol': ['engine/core'],
  'data/protocol': ['engine/core', 'engine/protocol'],
  'service/api': ['engine/core'],
  sdk: ['engine/core', 'engine/protocol', 'data/model'],
  // A worker starts fast and holds no database credentials.
  'engine/worker': ['engine/core', 'engine/protocol'],
  'data/worker': ['engine/core', 'engine/protocol', 'engine/worker', 'data/model', 'data/expression', 'data/protocol'],
  // A worker that was forked: what both share is loaded before the fork.
  'engine/fork-server': ['engine/core', 'engine/protocol', 'engine/worker'],
  'engine/runner/containment': ['engine/core', 'engine/protocol', 'package-root'],
  'engine/guard': ['engine/core', 'engine/protocol', 'engine/runner/containment'],
  'engine/store': ['engine/core', 'engine/protocol', 'package-root'],
  contents: ['engine/core'],
  'engine/operations': ['engine/core', 'engine/protocol', 'engine/store', 'contents'],
  'engine/runner': [
    'engine/core',
    'engine/protocol',
    'engine/store',
    'engine/operations',
    'engine/runner/containment',
    'engine/fork-server',
    'contents',
    'package-root',
  ],
  'data/statements': ['engine/core', 'engine/store', 'data/model', 'data/expression', 'data/protocol'],
  'data/tables': ['engine/core', 'engine/store', 'engine/operations', 'data/model', 'data/statements'],
  'data/operations': [
    'engine/core',
    'engine/store',
    'engine/operations',
    'data/model',
    'data/protocol',
    'data/statements',
  ],
  // What the engine knows data by: the port is engine/operations/extension.ts.
  'data/extension': [
    'engine/store',
    'engine/operations',
    'data/model',
    'data/protocol',
    'data/statements',
    'data/tables',
    'data/operations',
  ],
  project: ['engine/core', 'contents', 'package-root'],
  'data/source': ['engine/core', 'data/model', 'project'],
  'service/operations': ['engine/core', 'engine/store', 'engine/operations', 'service/api', 'package-root'],
  'service/http': ['engine/core', 'service/api', 'service/operations', 'package-root'],
  client: ['engine/core', 'service/api', 'sdk'],
  chaos: [
    'engine/core',
    'engine/protocol',
    'engine/store',
    'engine/operations',
    'engine/runner/containment',
    'data/extension',
    'project',
    'package-root',
  ],
  main: [
    'engine/core',
    'contents',
    'engine/store',
    'engine/operations',
    'engine/runner',
    'data/extension',
    'project',
    'data/source',
    'service/api',
    'service/operations',
    'service/http',
    'package-root',
  ],
  cli: [
    'engine/core',
    'engine/store',
    'engine/operations',
    'engine/runner',
    'project',
    'data/source',
    'service/api',
    'service/operations',
    'service/http',
    'client',
    'chaos',
    'main',
    'package-root',
  ],
};

/** @param file relative to src/ @returns null for a file that lies in none */
export function roomOf(file: string): string | null {
  const found = Object.keys(rooms).filter((room) => file === `${room}.ts` || file.startsWith(`${room}/`));
  return found.sort((a, b) => b.length - a.length)[0] ?? null;
}
