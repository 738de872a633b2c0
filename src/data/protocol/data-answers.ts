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

/**
 * An object: its id, then the values of the model's fields in order, then the ids of its belongs-to in order, last its version: the transaction that wrote the row (PostgreSQL's `xmin`),
 * whoever that was.
 */
export type WireObject = readonly WireValue[];

/** A page of one comes as an object. A longer one comes as columns, each with the values of all objects: PostgreSQL makes the JSON of a column in two thirds of the time. */
export type SelectAnswer = { readonly objects: readonly WireObject[] } | ColumnsAnswer;

export interface ColumnsAnswer {
  /** In the order of an object's values; none when there are no objects. Times are as PostgreSQL writes them in JSON, in UTC and without a zone: to write them as they travel takes it four times as long. */
  readonly columns: readonly (readonly WireValue[])[];
  /** True when the page was cut short: more may follow, though fewer than `pageSize` came. */
  readonly cut: boolean;
}

export interface Page {
  readonly objects: readonly WireObject[];
  /** Whether more may follow, though fewer came than were asked for. */
  readonly cut: boolean;
}

/** The objects of an answer, however they came. @param fields of their model */
export function pageObjects(answer: SelectAnswer, fields: readonly { readonly type: string }[]): Page {
  if ('objects' in answer) return { objects: answer.objects, cut: false };
  const { cut } = answer;
  const columns = answer.columns.map((values, place) =>
    fields[place - 1]?.type === 'datetime' ? values.map(timeOf) : values,
  );
  const objects: WireValue[][] = [];
  const count = columns[0]?.length ?? 0;
  for (let index = 0; index < count; index += 1) {
    const object: WireValue[] = [];
    for (const column of columns) object.push(column[index] ?? null);
    objects.push(object);
  }
  return { objects, cut };
}

/** A time as it travels. One that a task cannot have, before Christ or after the year 9999, becomes what PostgreSQL writes outside of JSON. */
function timeOf(json: WireValue): WireValue {
  if (typeof json !== 'string' || json.length < 19) return json;
  if (json.length === 19) return `${json}.000Z`;
  if (json[19] === '.' && json.length <= 23) return `${json.padEnd(23, '0')}Z`;
  return json.replace('T', ' ').replace(/( BC)?$/, '+00$1');
}

/** The answer to the last part of a batch. */
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
