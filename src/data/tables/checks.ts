import { type Column, quoteName } from '../statements/columns.ts';
import type { Relation } from './read-catalog.ts';
import { shortName } from './names.ts';

/** A constraint of a column: it refuses what other programs could store and no task could read. */
export interface Check {
  readonly name: string;
  readonly column: string;
  /** True or null for what may be stored. */
  readonly condition: string;
}

const kinds = {
  // NaN is above all.
  finite: (column) => `${column} > '-Infinity' and ${column} < 'Infinity'`,
  latitude: (column) => `${column} between -90 and 90`,
  longitude: (column) => `${column} between -180 and 180`,
  date: (column) => `${column} between '0001-01-01' and '9999-12-31'`,
  time: (column) => `${column} >= '0001-01-01 00:00:00+00' and ${column} < '10000-01-01 00:00:00+00'`,
  keys: (column) => `coalesce(array_ndims(${column}), 1) = 1 and array_position(${column}, null) is null`,
  integer: (column) => `${column} between -2147483648 and 2147483647 and ${column} = trunc(${column})`,
} as const satisfies Record<string, (column: string) => string>;

export type CheckKind = keyof typeof kinds;

// PostgreSQL's limit in bytes; the names of columns are ASCII.
const maxName = 63;

/** Those of a column of a model, which may be stored as one that is wider. */
export function checksOf({ name, type }: Column, storedType: string): readonly Check[] {
  const kind = kindOf(name, type, storedType);
  return kind === null ? [] : [{ name: checkName(name, kind), column: name, condition: kinds[kind](quoteName(name)) }];
}

function kindOf(name: string, type: string, storedType: string): CheckKind | null {
  if (type === 'integer') return storedType === 'integer' ? null : 'integer';
  if (type === 'date') return 'date';
  if (type.startsWith('timestamp')) return 'time';
  if (type.endsWith('[]')) return 'keys';
  if (type !== 'double precision') return null;
  return name.endsWith('.latitude') ? 'latitude' : name.endsWith('.longitude') ? 'longitude' : 'finite';
}

function checkName(column: string, kind: CheckKind): string {
  return shortName(`${column}~${kind}`, maxName);
}

/** The names of the constraints of these columns that are ours, to drop. */
export function ownChecks({ checks }: Relation, columns: readonly string[]): readonly string[] {
  return [...checks]
    .filter(([name, { column }]) => columns.includes(column) && isOwn(name, column))
    .map(([name]) => name);
}

/** What one of ours is called when its column gets another name. */
export function checkNameOf(name: string, from: string, to: string): string {
  const kind = Object.keys(kinds).find((each) => name === checkName(from, each as CheckKind));
  return kind === undefined ? name : checkName(to, kind as CheckKind);
}

function isOwn(name: string, column: string): boolean {
  return Object.keys(kinds).some((kind) => name === checkName(column, kind as CheckKind));
}

/** As `create table` and `alter table … add` take it. */
export function checkDefinition({ name, condition }: Check): string {
  return `constraint ${quoteName(name)} check (${condition})`;
}
