import { z } from 'zod';
import type { ReadonlyDeep } from '../../engine/core/readonly-deep.ts';
import type { BatchCall, ScheduleRuns } from '../../engine/protocol/call-requests.ts';
import type { WireValue } from './data-answers.ts';

// What a task's DB asks of the runner. The runner turns it into SQL for the attempt's own environment: a worker names models and fields of
// its data model, writes expressions and gives values, never SQL. Workers import the types alone: they load no package.

const wholeNumber = z.number().int().nonnegative();
const id = z.uuid();
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const value: z.ZodType<WireValue> = z.union([scalar, z.array(scalar)]);

/** Which objects, and in which order. */
const selection = z.object({
  model: z.string(),
  /** Expressions such as `make = ? and count > ?` with a value for each `?`. All have to hold. */
  where: z.array(z.object({ expression: z.string(), args: z.array(value) })),
  /** Fields, with a leading `-` for descending. The id comes last of all, ascending. */
  orderBy: z.array(z.string()),
  skip: wholeNumber,
  limit: wholeNumber.nullable(),
});

/** One page of objects. The runner may answer with fewer than asked for, so that a page stays small, and says whether more follow. */
const select = z.object({
  kind: z.literal('select'),
  selection,
  /** The values of the order's fields and the id of the last object before this page, or null for the first page. Then `skip` counts no more. */
  after: z.array(value).nullable(),
  /** The most objects of this page. */
  pageSize: wholeNumber,
});

const count = z.object({ kind: z.literal('count'), selection });

/** The bytes of a stored file, as base64; null when it is not stored any more under that key. */
const readFile = z.object({ kind: z.literal('read_file'), model: z.string(), id, field: z.string(), key: id });

/** Rows of a model: the JSON text of an array of `{ id, <column>: value }`, where columns are fields and `<belongs-to>_id`. */
const rows = { model: z.string(), columns: z.array(z.string()), ids: z.array(id), rows: z.string() };

/**
 * Compares the version of each object with the one that it was read with. `required`: an object that another has is refused. `noted`: it is written all the same, and the answer says so.
 * A new object has none: with `required`, one that is there already is refused.
 */
const version = z.enum(['noted', 'required']);

export const readRequest = z.discriminatedUnion('kind', [select, count, readFile]);

export const writeOperation = z.discriminatedUnion('do', [
  /** An object that is there already is overwritten, unless that is refused. */
  z.object({ do: z.literal('insert'), ...rows, version: version.optional() }),
  /**
   * `values`: for each column the JSON text of an array with the value of each object, in the order of `ids`; where versions are compared, theirs are last. The statement for 1,000
   * objects takes a quarter less than with rows.
   */
  z.object({
    do: z.literal('update'),
    model: z.string(),
    columns: z.array(z.string()),
    ids: z.array(id),
    values: z.array(z.string()),
    version: version.optional(),
  }),
  /** Adds the values of the rows to what the objects hold. No id comes twice. */
  z.object({ do: z.literal('increment'), ...rows }),
  z.object({ do: z.literal('destroy'), model: z.string(), ids: z.array(id) }),
  z.object({ do: z.literal('destroy_all'), selection }),
]);

export type Selection = ReadonlyDeep<z.infer<typeof selection>>;
export type Condition = Selection['where'][number];
export type SelectCall = ReadonlyDeep<z.infer<typeof select>>;
export type CountCall = ReadonlyDeep<z.infer<typeof count>>;
export type ReadFileCall = ReadonlyDeep<z.infer<typeof readFile>>;
export type ReadCall = SelectCall | CountCall | ReadFileCall;
export type VersionCheck = z.infer<typeof version>;
export type RowsOperation = Omit<Extract<WriteOperation, { readonly do: 'increment' }>, 'do'>;
export type ValuesOperation = Omit<Extract<WriteOperation, { readonly do: 'update' }>, 'do' | 'version'>;
export type WriteOperation = ReadonlyDeep<z.infer<typeof writeOperation>>;
/** A batch may schedule runs as well. */
export type BatchOperation = WriteOperation | ScheduleRuns;
export type WriteCall = BatchCall<BatchOperation>;
export type DataCall = ReadCall | WriteCall;
