import { z } from 'zod';
import { parseIsoTime } from './iso-time.ts';

const some = z.string({ error: 'must be a string' }).optional();
const someTime = some.refine((text) => text === undefined || parseIsoTime(text) !== null, {
  error: 'must be an ISO 8601 time with its offset from UTC',
});
/** Which runs are to be changed. */
export const changeBody = z
  .strictObject(
    {
      filter: z
        .strictObject(
          {
            state: some,
            task: some,
            queue: some,
            key: some,
            scheduledBy: some,
            deployment: some,
            fingerprint: some,
            since: someTime,
            until: someTime,
          },
          { error: 'must be an object of filters' },
        )
        .refine((filter) => Object.values(filter).some((each) => each !== undefined), {
          error: 'must have one filter at least',
        })
        .meta({ description: 'As for lists; all apply.' }),
      dryRun: z
        .boolean({ error: 'must be true or false' })
        .optional()
        .meta({ description: 'Count them, and change nothing.' }),
    },
    { error: 'must be { "filter": { … } }' },
  )
  .meta({ id: 'RunsToChange' });

/** What came of changing many runs. */
export const manyChanged = z
  .object({
    matched: z.number().meta({ description: 'How many there were when it began.' }),
    changed: z.number(),
    refused: z.number().meta({ description: 'Changed by somebody else meanwhile, or their key is taken.' }),
    problems: z
      .array(z.object({ id: z.string(), code: z.string(), detail: z.string() }).readonly())
      .readonly()
      .meta({ description: 'The first ten of the refused.' }),
  })
  .readonly()
  .meta({ id: 'ManyChanged' });
export type ManyChangedBody = z.output<typeof manyChanged>;
