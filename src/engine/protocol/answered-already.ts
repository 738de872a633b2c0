import type { ReplyMessage } from './to-worker.ts';

/** The answer to what a task asks for while its process ends. */
export const answeredAlready: NonNullable<ReplyMessage['error']> = {
  code: 'run_answered',
  message:
    '`run` has returned or thrown, and its process is ending: `DB` and `scheduleTask` take nothing more. Await what they are to do before `run` returns.',
  isRefusal: true,
};
