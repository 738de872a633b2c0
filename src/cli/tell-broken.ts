import type { DeployedBrokenTask } from '../engine/core/broken-task.ts';
import { toBrokenTaskBody } from '../service/api/tasks.ts';
import type { RunnerEvent } from '../engine/runner/events.ts';
import { describeBroken } from './describe-broken.ts';
import { escapeText } from './terminal/escape-text.ts';

/** What a server that goes on with broken tasks says of them. */
export interface BrokenTeller {
  /** With each deployment, as messages. */
  deployed(now: readonly DeployedBrokenTask[]): readonly string[];
  /** Of an attempt that executes earlier code; else empty. */
  started(event: Extract<RunnerEvent, { kind: 'attempt_started' }>): string;
}

export function tellBroken(): BrokenTeller {
  let broken: readonly DeployedBrokenTask[] = [];
  return {
    deployed: (now) => {
      const fixed = broken
        .filter(({ name }) => !now.some((task) => task.name === name))
        .map(({ name }) => escapeText(name));
      broken = now;
      return [
        ...describeBroken(now.map(toBrokenTaskBody)),
        ...(fixed.length === 0 ? [] : [`no longer broken: ${fixed.join(', ')}`]),
      ];
    },
    started: ({ task, bundleHash }) => {
      const old = broken.find(({ name, goesOn }) => name === task && goesOn?.bundleHash === bundleHash)?.goesOn ?? null;
      return old === null ? '' : `, with its code of ${old.deployedAt}: as it stands it is broken`;
    },
  };
}
