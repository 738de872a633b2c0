// What a task's DB asks of the runner. The runner turns it into SQL for the attempt's own environment: a worker names models and fields of
// its data model, writes expressions and gives values, never SQL.

import type { ScheduleRequest } from '../../engine/core/schedule-request.ts';

/**
 * A value as it travels: JSON. Dates are "2026-03-01", times ISO 8601 in UTC with milliseconds, choices their keys, a location an object with
 * `latitude, longitude, altitude, horizontal_accuracy, vertical_accuracy, timestamp`, a stored file `{ key, filename, contentType, size }`,
 * and on its way to the database with `base64` besides.
 */
export type WireValue =
  | string
  | number
  | boolean
  | null
  | readonly (string | number | boolean | null)[]
  | Readonly<Record<string, unknown>>;

/** An expression such as `make = ? and count > ?` with a value for each `?`. */
export interface Condition {
  readonly expression: string;
  readonly args: readonly WireValue[];
}

/** Which objects, and in which order. */
export interface Selection {
  readonly model: string;
  /** All have to hold. */
  readonly where: readonly Condition[];
  /** Fields, with a leading `-` for descending. The id comes last of all, ascending. */
  readonly orderBy: readonly string[];
  readonly skip: number;
  readonly limit: number | null;
}

/** One page of objects. The runner may answer with fewer than asked for, so that a page stays small, and says whether more follow. */
export interface SelectCall {
  readonly kind: 'select';
  readonly selection: Selection;
  /** The values of the order's fields and the id of the last object before this page, or null for the first page. Then `skip` counts no more. */
  readonly after: readonly WireValue[] | null;
  /** The most objects of this page. */
  readonly pageSize: number;
}

/**
 * An object: its id, then the values of the model's fields in order, then the ids of its belongs-to in order, last its version: the transaction that wrote the row (PostgreSQL's `xmin`),
 * whoever that was.
 */
export type WireObject = readonly WireValue[];

/** A page of one comes as an object. A longer one comes as columns, each with the values of all objects: PostgreSQL makes the JSON of a column in two thirds of the time. */
export type SelectAnswer = { readonly objects: readonly WireObject[] } | ColumnsAnswer;

export interface ColumnsAnswer {
  /** In the order of an object's values; none when there are no objects. */
  readonly columns: readonly (readonly WireValue[])[];
  /** True when the page was cut short: more may follow, though fewer than `pageSize` came. */
  readonly cut: boolean;
}

export interface CountCall {
  readonly kind: 'count';
  readonly selection: Selection;
}

/** The bytes of a stored file, as base64; null when it is not stored any more under that key. */
export interface ReadFileCall {
  readonly kind: 'read_file';
  readonly model: string;
  readonly id: string;
  readonly field: string;
  readonly key: string;
}

/** Rows of a model: the JSON text of an array of `{ id, <column>: value }`, where columns are fields and `<belongs-to>_id`. */
export interface RowsOperation {
  readonly model: string;
  readonly columns: readonly string[];
  readonly ids: readonly string[];
  readonly rows: string;
}

/**
 * Compares the version of each object with `.version` in its row. `required`: an object that another has is refused. `noted`: it is written all the same, and the answer says so.
 * A new object has none: with `required`, one that is there already is refused.
 */
export type VersionCheck = 'noted' | 'required';

export type WriteOperation =
  /** An object that is inserted and there already is overwritten, unless that is refused. */
  | (RowsOperation & { readonly do: 'insert' | 'update'; readonly version?: VersionCheck | undefined })
  /** Adds the values of the rows to what the objects hold. No id comes twice. */
  | (RowsOperation & { readonly do: 'increment' })
  | { readonly do: 'destroy'; readonly model: string; readonly ids: readonly string[] }
  | { readonly do: 'destroy_all'; readonly selection: Selection }
  | { readonly do: 'schedule'; readonly runs: readonly ScheduledRun[] };

/** A checked request for a run, with the id that the run gets. */
export type ScheduledRun = ScheduleRequest & { readonly id: string };

/**
 * A part of a batch: all parts are one transaction. Sending the whole batch again, with its id, does nothing twice.
 */
export interface WriteCall {
  readonly kind: 'write';
  readonly batch: string;
  /** Counted from 0. */
  readonly part: number;
  readonly last: boolean;
  readonly operations: readonly WriteOperation[];
}

/** The answer to the last part; to the others, null. */
export interface WriteAnswer {
  /** How many objects each `destroy_all` destroyed, in order. */
  readonly destroyed: readonly number[];
  /** The ids of the scheduled runs, in order: another run's where a `key` found one. */
  readonly runs: readonly string[];
  /** For each object of each `increment`, in order: the new values of its columns. */
  readonly incremented: readonly (readonly number[])[];
  /** Of what was saved. */
  readonly version: string | null;
  /** Objects that were saved with the check `noted`, and had another version. */
  readonly overwritten: readonly string[];
}

export const nothingWritten: WriteAnswer = { destroyed: [], runs: [], incremented: [], version: null, overwritten: [] };

export type DataCall = SelectCall | CountCall | ReadFileCall | WriteCall;
