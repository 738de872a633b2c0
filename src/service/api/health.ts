import { z } from 'zod';
import { resource } from './operation.ts';

const answer = z.object({ status: z.literal('ok') });

export const health = resource('health', {
  live: {
    method: 'GET',
    path: '/health',
    permission: 'public',
    summary: 'Answers while the process lives.',
    answer,
  },
  ready: {
    method: 'GET',
    path: '/ready',
    permission: 'public',
    summary: 'Answers while the server can reach its database, wants work, and its machine can start it.',
    answer,
    refusals: ['database_unreachable', 'server_unreachable', 'machine_unfit'],
  },
});
