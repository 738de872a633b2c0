import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { listCases } from './cases.ts';
import type { Tried } from './try-case.ts';

/** What came of each case when it was last tried, in a file. */
export interface KeptResults {
  keep(tried: Tried): void;
  /** Of the cases that there are, by kind and name. */
  all(): readonly Tried[];
}

export function keptResults(file: string): KeptResults {
  const keyOf = ({ type, kind, name }: Pick<Tried, 'type' | 'kind' | 'name'>): string => `${type} ${kind}/${name}`;
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Tried[]) : [];
  const results = new Map(before.map((tried) => [keyOf(tried), tried]));
  return {
    keep(tried) {
      results.set(keyOf(tried), tried);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify([...results.values()], null, 2));
    },
    all: () =>
      (['module', 'commonjs'] as const).flatMap((type) =>
        listCases().flatMap(({ kind, name }) => results.get(keyOf({ type, kind, name })) ?? []),
      ),
  };
}
