import { z } from 'zod';
import { sha256Pattern } from './kept-folder.ts';
import { taskLimits } from './task-limits.ts';

// What a project that was built on another machine is: its parts, which are stored before, by their hashes.

const hash = z.string().regex(sha256Pattern, { error: 'must be a SHA-256, in 64 hexadecimal digits' });
/** Relative, with `/`, and nowhere outside. */
const path = z
  .string()
  .refine(isInside, { error: 'must be a relative path with `/`, without `.`, `..` and empty parts' });
const text = z.string({ error: 'must be a string' });
const count = z.int({ error: 'must be a whole number' }).min(0);

/** A file of a content. */
const keptFile = z.strictObject({ path, bytes: count.max(Number.MAX_SAFE_INTEGER), isExecutable: z.boolean() });

/** The files of a package, or those of a project besides its code, in the order of their bytes. */
export const sentContent = z.strictObject({
  hash,
  name: text.min(1).max(1_000),
  files: z.array(keptFile).max(1_000_000).readonly(),
});
export type SentContent = z.output<typeof sentContent>;

/** A bundle, of which code and source map are sent one after the other. */
export const sentBundle = z.strictObject({
  hash,
  format: z.enum(['cjs', 'esm']),
  codeBytes: count,
  sourceMapBytes: count,
});
export type SentBundle = z.output<typeof sentBundle>;

const content = z.strictObject({ hash, name: text, bytes: count, count }).meta({ id: 'DeploymentPart' });

const limits = z.strictObject(taskLimits).meta({ id: 'TaskLimits' });

const task = z.strictObject({
  name: text.regex(/^[A-Za-z0-9_.-]{1,100}$/, { error: 'must be the name of a task' }),
  file: path.meta({ description: "Its entry, from the project's folder." }),
  bundle: z.strictObject({ hash, format: z.enum(['cjs', 'esm']), bytes: count }),
  config: limits,
  external: z.array(text).readonly().meta({ description: 'Packages that Node loads by itself.' }),
  spawnNeed: text.nullable().meta({ description: 'What it needs that only a spawned worker has.' }),
});

const packages = z.strictObject({
  tree: z.strictObject({
    hash,
    folders: z.array(z.strictObject({ path, hash })).readonly(),
    links: z.array(z.strictObject({ path, target: text })).readonly(),
  }),
  projectPath: z.union([z.literal(''), path]).meta({ description: "The project's folder, from the root of the tree." }),
  contents: z.array(content).readonly(),
});

/** A built project. */
export const manifest = z
  .strictObject({
    tasks: z.array(task).max(10_000).readonly(),
    packages,
    files: content.nullable(),
    config: z.strictObject({
      defaults: limits.optional(),
      variables: z.record(z.string(), z.string()).optional(),
      queues: z.record(z.string(), z.strictObject({ onRetry: z.enum(['wait', 'skip']).optional() })).optional(),
      retention: z
        .strictObject({ days: z.int().min(1).max(36_500).optional(), runs: z.int().min(0).max(1e9).optional() })
        .optional(),
    }),
    extension: z.unknown().meta({ description: 'The data model; null where there is none.' }),
  })
  .meta({ id: 'Manifest' });
export type Manifest = z.output<typeof manifest>;

function isInside(path: string): boolean {
  return (
    path.length <= 4_096 &&
    !/[\0\\]/.test(path) &&
    path.isWellFormed() &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** What is wrong with a manifest that its schema cannot say; null when nothing is. */
export function problemOfManifest({ tasks, packages: { tree, contents } }: Manifest): string | null {
  const doubled = firstDoubled(tasks.map(({ name }) => name)) ?? firstDoubled(tasks.map(({ file }) => file));
  if (doubled !== null) return `two tasks are ${JSON.stringify(doubled)}`;
  const known = new Set(contents.map((each) => each.hash));
  const unknown = tree.folders.find((folder) => !known.has(folder.hash));
  if (unknown !== undefined) return `\`packages.contents\` lacks ${unknown.hash}, which stands at ${unknown.path}`;
  const place = firstDoubled([...tree.folders, ...tree.links].map((each) => each.path));
  if (place !== null) return `two packages stand at ${JSON.stringify(place)}`;
  const outside = tree.links.find(({ path: from, target }) => !staysInside(from, target));
  return outside === undefined ? null : `the link ${outside.path} leads outside`;
}

function firstDoubled(values: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const value of values) {
    if (seen.has(value)) return value;
    seen.add(value);
  }
  return null;
}

/** A link's target is relative to its own folder. */
function staysInside(from: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || /[\0\\]/.test(target)) return false;
  let depth = from.split('/').length - 1;
  for (const part of target.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return depth > 0;
}
