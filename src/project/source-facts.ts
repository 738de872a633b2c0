import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const source = String.raw`\.{0,2}[\w@/-][\w@./ -]*`;
const literal = String.raw`(['"\`])(${source})\1`;
const own = String.raw`(?:__dirname|import\.meta\.dirname)\s*,\s*`;
/** What is read is no code, whatever its name. */
const notRead = String.raw`(?<!\b(?:read\w*|createReadStream|open\w*)\s*\(\s*)`;

/** How code names a file that a thread or another process is to run; the path is the second group. */
const references = [
  String.raw`${notRead}\bnew\s+URL\(\s*${literal}\s*,\s*import\.meta\.url\s*\)`,
  String.raw`${notRead}\b(?:join|resolve)\(\s*${own}${literal}`,
  String.raw`\bimport\.meta\.resolve\(\s*${literal}`,
  String.raw`\brequire\.resolve\(\s*${literal}`,
  String.raw`\b(?:Worker|fork)\(\s*${literal}`,
].map((pattern) => new RegExp(pattern, 'g'));

/** The files that a source names to have them run in a thread or process, as it names them: relative to it, or to the working directory. */
export function referencesIn(text: string): readonly string[] {
  return references.flatMap((pattern) => [...text.matchAll(pattern)].map(([, , path = '']) => path));
}

/** A thread or child process of the own code whose file is no text in the call, nor this very file. */
const computed = [
  {
    start: /\bnew\s+(?:[\w$]+\.)?Worker\((?!\s*(?:['"]|__filename|import\.meta\.|new\s+URL\(\s*import\.meta\.url))/g,
    of: 'worker_threads',
  },
  {
    start: /(?<![\w$.]|function\s)(?:child_process\.)?fork\((?!\s*(?:['"]|__filename|import\.meta\.))/g,
    of: 'child_process',
  },
];

/** The lines of a source that start a thread or process by a computed path. None where it names files to be run: one of them may be meant. */
export function computedStarts(text: string): readonly number[] {
  if (!/worker_threads|child_process/.test(text) || /\beval:\s*true/.test(text) || referencesIn(text).length > 0)
    return [];
  const places = computed.flatMap(({ start, of }) =>
    text.includes(of) ? [...text.matchAll(start)].map(({ index }) => index) : [],
  );
  return places.map((place) => text.slice(0, place).split('\n').length);
}

/**
 * Which of these packages a source names in a string: `pino-pretty`, or a file of one, `pino/file`. What it imports by name is known from its bundle, where imports of types are none.
 */
export function namesIn(text: string, names: ReadonlySet<string>): readonly string[] {
  if (names.size === 0) return [];
  const found = [...text.matchAll(/(?<!\bfrom ?|\bimport\()(['"`])((?:@[\w.~-]+\/)?[\w.~-]+)(?:\/[\w./~-]*)?\1/g)].map(
    ([, , name = '']) => name,
  );
  return [...new Set(found)].filter((name) => names.has(name));
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, unknown>>;
  readonly optionalDependencies?: Readonly<Record<string, unknown>>;
  readonly peerDependencies?: Readonly<Record<string, unknown>>;
}

/** What the nearest package.json with dependencies says that a folder's sources depend on. Remembers what it has seen. */
export function dependencyNames(): (folder: string) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>();
  const namesOf = (folder: string): ReadonlySet<string> => {
    const seen = known.get(folder);
    if (seen !== undefined) return seen;
    const parent = dirname(folder);
    const { dependencies, optionalDependencies, peerDependencies } = manifestIn(folder);
    const all = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    const names = all.length > 0 || parent === folder ? new Set(all) : namesOf(parent);
    known.set(folder, names);
    return names;
  };
  return namesOf;
}

function manifestIn(folder: string): Manifest {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) ?? {}) as Manifest;
  } catch {
    return {}; // none, or a broken one, which is reported by what needs it
  }
}
