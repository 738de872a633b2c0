import { listBrokenTasks, listTasks } from '../../engine/operations/list-tasks.ts';
import { type tasks, toBrokenTaskBody } from '../api/tasks.ts';
import type { Handlers } from './handler.ts';

export const taskHandlers: Handlers<typeof tasks> = {
  list: {
    answer: async ({ store }, { environment }) => ({
      tasks: await listTasks(store, environment),
      broken: (await listBrokenTasks(store, environment)).map(toBrokenTaskBody),
    }),
  },
};
