import { z } from 'zod';
import { apiBase, resource } from './operation.ts';

export const keys = resource('keys', {
  rotate: {
    method: 'POST',
    path: `${apiBase}/keys/rotate`,
    permission: 'keys:write',
    summary: 'Puts a new master key in the place of the one that masked variables are encrypted with.',
    answer: z.object({
      environments: z.number().meta({ description: 'How many have masked variables.' }),
      masterKeyId: z.string().meta({ description: 'Tells master keys apart; nothing can be concluded from it.' }),
    }),
    refusals: ['master_key_missing', 'master_key_wrong', 'master_key_invalid', 'database_unreachable'],
  },
});
