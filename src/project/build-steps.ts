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

const tellEveryMs = 1_000;

/** For long work that does not give the process back: tells once a second how far it is, so that nobody takes it for stuck. */
export function stepTeller(): Disposable & { readonly at: (describe: () => string) => void } {
  let told: string | null = null;
  let dueAt = performance.now() + tellEveryMs;
  const done = (): void => {
    if (told !== null) tell({ kind: 'done', step: told });
    told = null;
  };
  return {
    at: (describe) => {
      if (performance.now() < dueAt) return;
      done();
      told = describe();
      tell({ kind: 'begun', step: told });
      dueAt = performance.now() + tellEveryMs;
    },
    [Symbol.dispose]: done,
  };
}

export function tell(step: BuildStep): void {
  if (steps.hasSubscribers) steps.publish(step);
}

export function onBuildStep(listener: (step: BuildStep) => void): void {
  steps.subscribe((message) => listener(message as BuildStep));
}
