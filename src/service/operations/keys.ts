import { CloudCodeError } from '../../engine/core/errors.ts';
import { rotateMasterKey } from '../../engine/operations/data-keys.ts';
import type { keys } from '../api/keys.ts';
import type { Handlers } from './handler.ts';

export const keyHandlers: Handlers<typeof keys> = {
  rotate: {
    answer: async ({ store, keys: masterKeys }) => {
      if (masterKeys === undefined) throw new CloudCodeError('master_key_missing', 'There is no master key here.');
      return rotateMasterKey(store, masterKeys);
    },
  },
};
