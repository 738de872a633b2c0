import type { FaultKind } from '../plan/fault-kinds.ts';
import type { RunPlan } from '../plan/plan-runs.ts';
import type { History, WitnessLine } from './history.ts';

interface Carried {
  readonly options: { readonly runs: number; readonly faults: number };
  readonly runs: RunPlan;
  /** Without those that cannot be made here. */
  readonly faults: readonly { readonly kind: FaultKind }[];
  readonly made: readonly { readonly kind: FaultKind }[];
}

/**
 * In what a campaign fell short of its plan, in words: none when it did what it was to do. Where nothing happened nothing is violated, so that its zeros would say nothing.
 */
export function findShortfalls(history: History, carried: Carried): readonly string[] {
  return [
    ...missingRuns(history, carried),
    ...runsNotTried(history),
    ...nothingReturned(history),
    ...attemptsWithoutWitness(history),
    ...deedsNotWitnessed(history, carried),
    ...missingFaults(carried),
  ];
}

/** What faults and tasks have scheduled comes on top. */
function missingRuns({ runs, acknowledged }: History, { options, runs: plan }: Carried): readonly string[] {
  const planned = plan.runs.reduce((sum, { count }) => sum + count, 0);
  return [
    ...(planned < options.runs ? [`${options.runs} runs were asked for, and ${planned} planned`] : []),
    ...(acknowledged.length < plan.runs.length
      ? [`${plan.runs.length} runs were to be scheduled, and ${acknowledged.length} were`]
      : []),
    ...(runs.length < plan.runs.length ? [`${plan.runs.length} runs were to be there, and ${runs.length} are`] : []),
  ];
}

function runsNotTried({ runs, changes }: History): readonly string[] {
  const claimed = new Set(changes.filter(({ after }) => after === 'running').map(({ run }) => run));
  const untried = runs.filter(({ id, state }) => state !== 'cancelled' && !claimed.has(id)).length;
  return untried === 0 ? [] : [`${untried} of ${runs.length} runs had no attempt`];
}

function nothingReturned({ ends }: History): readonly string[] {
  return ends.some(({ outcome }) => outcome === 'returned') ? [] : [`none of ${ends.length} attempts returned a value`];
}

/** The first thing that a task does is to say that it began, the last that it ended. */
function attemptsWithoutWitness({ ends, witness }: History): readonly string[] {
  const said = (kinds: readonly WitnessLine['kind'][]): ReadonlySet<string> =>
    new Set(witness.filter(({ kind }) => kinds.includes(kind)).map(({ run, fence }) => `${run} ${fence}`));
  const [begun, ended] = [said(['began', 'overlap']), said(['ended'])];
  const returned = ends.filter(({ outcome }) => outcome === 'returned').map(({ run, fence }) => `${run} ${fence}`);
  const silent = returned.filter((each) => !begun.has(each) || !ended.has(each)).length;
  return silent === 0 ? [] : [`the tasks of ${silent} of ${returned.length} attempts that returned witnessed nothing`];
}

/** So many that at least one of them is neither cancelled nor always struck by a fault. */
const enough = 10;

const deeds: readonly { readonly kind: WitnessLine['kind']; readonly parameter: string; readonly what: string }[] = [
  { kind: 'wrote', parameter: 'writes', what: 'wrote an object' },
  { kind: 'added', parameter: 'writes', what: 'added to the number' },
  { kind: 'scheduled', parameter: 'children', what: 'scheduled further runs' },
  { kind: 'answered', parameter: 'lingersMs', what: 'lingered after its answer' },
];

function deedsNotWitnessed({ witness }: History, { runs: plan }: Carried): readonly string[] {
  return deeds.flatMap(({ kind, parameter, what }) => {
    const planned = plan.runs.filter(({ run }) => parameter in run.parameters).length;
    return planned < enough || witness.some((line) => line.kind === kind)
      ? []
      : [`${planned} runs were to do so, and no task ${what}`];
  });
}

function missingFaults({ options, faults, made }: Carried): readonly string[] {
  if (options.faults > 0 && faults.length === 0) return [`none of ${options.faults} faults can be made here`];
  const count = (list: Carried['made'], kind: FaultKind): number => list.filter((each) => each.kind === kind).length;
  return [...new Set(faults.map(({ kind }) => kind))].flatMap((kind) => {
    const [planned, struck] = [count(faults, kind), count(made, kind)];
    return struck >= planned ? [] : [`${kind}: ${planned} were to be made, and ${struck} found something to strike`];
  });
}
