import { CloudCodeError } from '../../engine/core/errors.ts';
import type { Store } from '../../engine/store/open-store.ts';
import type { health } from '../api/health.ts';
import type { Handlers } from './handler.ts';

const maxWaitMs = 3000;

export const healthHandlers: Handlers<typeof health> = {
  live: { answer: async () => ({ status: 'ok' }) },
  ready: {
    answer: async ({ store, isReady, unfitReason: reasonOf }) => {
      if (isReady?.() === false)
        throw new CloudCodeError('server_unreachable', 'The server is starting or stopping.', {
          hint: 'Ask again in a moment.',
        });
      const unfitReason = reasonOf?.() ?? null;
      if (unfitReason !== null) {
        throw new CloudCodeError('machine_unfit', `This machine cannot start runs: ${unfitReason}`, {
          hint: 'Make room on its disk, or raise its limits of processes and files: it tries again by itself.',
        });
      }
      await askDatabase(store);
      return { status: 'ok' };
    },
  },
};

/** A database that neither answers nor refuses must not hold up whoever asks. */
async function askDatabase(store: Store): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      late.reject(new CloudCodeError('database_unreachable', `The database has not answered within ${maxWaitMs} ms.`)),
    maxWaitMs,
  );
  try {
    await Promise.race([store.query({ name: 'ready', text: 'select 1' }), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
