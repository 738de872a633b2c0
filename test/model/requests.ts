import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { ScheduledRun } from '../../src/engine/core/schedule-request.ts';
import type { Request } from './model.ts';
import { type Environment, type Task } from './state.ts';

/** What is asked for, before it is asked. */
export interface Wish {
  readonly task: Task | 'nope';
  readonly queue: string | null;
  readonly key: string | null;
  /** `at`: so long before or after now; `after`: a delay. In milliseconds. */
  readonly when: { readonly kind: 'at' | 'after'; readonly ms: number } | null;
}

export const queueNames = ['q1', 'q2'] as const;

const when = fc.option(
  fc.oneof(
    fc.record({ kind: fc.constant('at' as const), ms: fc.constantFrom(0, -1, 1, -1000, 1000, -3_600_000, 90_000) }),
    fc.record({ kind: fc.constant('after' as const), ms: fc.constantFrom(0, 1, 1000, 30_000, 3_600_000) }),
  ),
  { freq: 1 },
);

export const wishes: fc.Arbitrary<Wish> = fc.record({
  task: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('once' as const, 'twice' as const, 'thrice' as const) },
    { weight: 1, arbitrary: fc.constant('nope' as const) },
  ),
  queue: fc.constantFrom(null, ...queueNames, 'q1'),
  key: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant('k') }),
  when,
});

export function requestOf({ task, queue, key, when }: Wish, environment: Environment, now: number): Request {
  return { id: randomUUID(), environment, task, queue, key, dueAt: now + (when?.ms ?? 0) };
}

/** The same as a task's SDK sends it. */
export function sentOf(request: Request, { when }: Wish): ScheduledRun {
  return {
    id: request.id,
    task: request.task,
    queue: request.queue,
    key: request.key,
    parametersJson: '{}',
    at: when?.kind === 'at' ? new Date(request.dueAt).toISOString() : null,
    afterMs: when?.kind === 'after' ? when.ms : null,
  };
}

export function wordsOf({ task, queue, key, when }: Wish): string {
  const time =
    when === null
      ? ''
      : when.kind === 'after'
        ? `, after ${when.ms} ms`
        : when.ms < 0
          ? `, due ${-when.ms} ms ago`
          : `, due in ${when.ms} ms`;
  return `${task}${queue === null ? '' : ` in ${queue}`}${key === null ? '' : ` with key ${key}`}${time}`;
}
