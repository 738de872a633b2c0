import { channel } from 'node:diagnostics_channel';

/** What a build begins or has done: `loading cloudcode/othertask/index.ts`. */
export interface BuildStep {
  readonly kind: 'begun' | 'done';
  readonly step: string;
}

const steps = channel('cloudcode.build-steps');

/** Tells whoever listens what a build is at while `work` goes on, before it begins: it may never give the process back. */
export async function atStep<Result>(step: string, work: () => Promise<Result>): Promise<Result> {
  tell({ kind: 'begun', step });
  try {
    return await work();
  } finally {
    tell({ kind: 'done', step });
  }
}

export function tell(step: BuildStep): void {
  if (steps.hasSubscribers) steps.publish(step);
}

export function onBuildStep(listener: (step: BuildStep) => void): void {
  steps.subscribe((message) => listener(message as BuildStep));
}
