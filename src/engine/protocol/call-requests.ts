import { z } from 'zod';
import type { ReadonlyDeep } from '../core/readonly-deep.ts';

// What a worker may ask for: its shape. Whether what it names exists is for those who carry it out to say.

const id = z.uuid();

const schedule = {
  task: z.string(),
  parametersJson: z.string(),
  at: z.string().nullable(),
  afterMs: z.number().nullable(),
  queue: z.string().nullable(),
  key: z.string().nullable(),
};

const scheduleCall = z.object({ kind: z.literal('schedule'), ...schedule });

const batchPart = z.object({
  kind: z.literal('write'),
  batch: id,
  /** Counted from 0. */
  part: z.number().int().nonnegative(),
  last: z.boolean(),
});

const scheduleRuns = z.object({ do: z.literal('schedule'), runs: z.array(z.object({ id, ...schedule })) });

const extensionCall = z.object({ kind: z.literal('extension'), request: z.unknown() });

export type ScheduleCall = ReadonlyDeep<z.infer<typeof scheduleCall>>;

/** An operation of a batch. An extension has others than to schedule. */
export interface Operation {
  readonly do: string;
}

/** Runs to be scheduled by a batch, in their order. */
export type ScheduleRuns = ReadonlyDeep<z.infer<typeof scheduleRuns>>;

/** A part of a batch: all parts are one transaction. Sending the whole batch again, with its id, does nothing twice. */
export type BatchCall<Of extends Operation = Operation> = ReadonlyDeep<z.infer<typeof batchPart>> & {
  readonly operations: readonly Of[];
};

/** The answer to the last part of a batch; to the others, null. The operations of an extension add lists of their own, which are joined in the order of the operations. */
export interface BatchAnswer {
  /** The ids of the scheduled runs, in order: another run's where a `key` found one. */
  readonly runs: readonly string[];
  /** The transaction, by which the rows that it wrote are known; null where nothing was written. */
  readonly version: string | null;
}

/** What an extension asks of its part in the runner: it reads. What it writes are operations of batches. */
export type ExtensionCall = ReadonlyDeep<z.infer<typeof extensionCall>>;

export type CallRequest = ScheduleCall | BatchCall | ExtensionCall;

/** What a worker may ask of an extension. */
export interface ExtensionSchemas {
  readonly request: z.ZodType;
  /** Objects that tell by `do` which they are. */
  readonly operation: z.ZodDiscriminatedUnion;
}

/** Reads what a worker asks for; null when it is nothing that it may ask for. */
export type ParseCall = (request: unknown) => CallRequest | null;

export function openCallParser(extension: ExtensionSchemas | null): ParseCall {
  const operations = extension === null ? ([scheduleRuns] as const) : ([scheduleRuns, extension.operation] as const);
  const callRequest = z.discriminatedUnion('kind', [
    scheduleCall,
    batchPart.extend({ operations: z.array(z.discriminatedUnion('do', operations)) }),
    extensionCall.extend({ request: extension?.request ?? z.never() }),
  ]);
  return (request) => {
    const { success, data } = callRequest.safeParse(request);
    return success ? (data as CallRequest) : null;
  };
}
