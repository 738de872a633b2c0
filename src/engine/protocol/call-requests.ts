import { z } from 'zod';

const wholeNumber = z.number().int().nonnegative();
const id = z.uuid();
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const value = z.union([scalar, z.array(scalar)]);

const schedule = {
  task: z.string(),
  parametersJson: z.string(),
  at: z.string().nullable(),
  afterMs: z.number().nullable(),
  queue: z.string().nullable(),
  key: z.string().nullable(),
};

const selection = z.object({
  model: z.string(),
  where: z.array(z.object({ expression: z.string(), args: z.array(value) })),
  orderBy: z.array(z.string()),
  skip: wholeNumber,
  limit: wholeNumber.nullable(),
});

const rows = { model: z.string(), columns: z.array(z.string()), ids: z.array(id), rows: z.string() };

const operation = z.discriminatedUnion('do', [
  z.object({ do: z.enum(['insert', 'update']), ...rows, version: z.enum(['noted', 'required']).optional() }),
  z.object({ do: z.literal('increment'), ...rows }),
  z.object({ do: z.literal('destroy'), model: z.string(), ids: z.array(id) }),
  z.object({ do: z.literal('destroy_all'), selection }),
  z.object({ do: z.literal('schedule'), runs: z.array(z.object({ id, ...schedule })) }),
]);

/** What a worker may ask for: its shape. Whether models, fields and tasks exist is for those who carry it out to say. */
export const callRequest = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('schedule'), ...schedule }),
  z.object({ kind: z.literal('select'), selection, after: z.array(value).nullable(), pageSize: wholeNumber }),
  z.object({ kind: z.literal('count'), selection }),
  z.object({ kind: z.literal('read_file'), model: z.string(), id, field: z.string(), key: id }),
  z.object({
    kind: z.literal('write'),
    batch: id,
    part: wholeNumber,
    last: z.boolean(),
    operations: z.array(operation),
  }),
]);
