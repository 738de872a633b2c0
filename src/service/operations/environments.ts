import { answerOnce } from '../../engine/operations/answer-once.ts';
import {
  deleteEnvironment,
  describeEnvironment,
  refuseUnconfirmed,
} from '../../engine/operations/delete-environment.ts';
import { createEnvironment, findEnvironment, listEnvironments } from '../../engine/operations/environments.ts';
import { environments } from '../api/environments.ts';
import { type Handlers, JsonText } from './handler.ts';
import { stepsOf } from './steps.ts';

export const environmentHandlers: Handlers<typeof environments> = {
  list: { answer: async ({ store }) => ({ environments: await listEnvironments(store) }) },
  create: {
    answer: async ({ store }, { body }, { idempotencyKey: key }) => {
      if (key === null) return new JsonText(JSON.stringify(await createEnvironment(store, body.name)), { status: 201 });
      // It is kept with no environment: the same key with another name is refused.
      const request = { environment: '', operation: environments.create.name, key, body };
      const { text, ...how } = await answerOnce(store, request, async (db) => {
        const made = JSON.stringify(await createEnvironment(db, body.name));
        return { answer: new JsonText(made, { status: 201 }), onCommitted: () => undefined };
      });
      return new JsonText(text, how);
    },
  },
  show: {
    answer: ({ store, environmentData = null }, { environment }) =>
      describeEnvironment(store, environment, environmentData),
  },
  delete: {
    follow: async ({ store, environmentData: data = null }, { environment, body: { confirm } }, follower) => {
      refuseUnconfirmed(environment, confirm);
      await findEnvironment(store, environment);
      return stepsOf(
        ({ signal, onStep: onProgress }) => deleteEnvironment(store, environment, { data, signal, onProgress }),
        follower,
      );
    },
  },
};
