import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { CloudCodeError } from '../../engine/core/errors.ts';
import type { BuildOptions, BuiltProject, BuiltTask } from '../build-project.ts';
import type { ProjectConfig } from '../config.ts';
import { type BuildJob, type BuildMessage, messageDecoder, messageDescriptor } from './messages.ts';
import { type BuildProcess, startBuildProcess, type StandbyBuild } from './start-build-process.ts';

const tickMs = 1_000;
/** How long a build may be at one step. Counted in ticks, so that a machine that slept does not end it. */
const maxStepMs = 60_000;

/**
 * `buildProject` in a process of its own, whose code, that of the configuration and the data model included, can hold up nothing here. What it prints goes to
 * standard error.
 * @returns null when the signal ended it; its process is gone then, and else about to end
 * @throws CloudCodeError of buildProject; `build_failed` when its process ends, or has made no progress for 60 s and was ended
 */
export async function buildApart(
  folder: string,
  {
    brokenTasks = 'refuse',
    cache = join(resolve(folder), '.cloudcode'),
    ...options
  }: Ending & Telling & Caching & Waiting & Pick<BuildOptions, 'brokenTasks'> = {},
): Promise<BuiltProject | null> {
  const told = await listen({ kind: 'project', folder: resolve(folder), brokenTasks, cache }, options);
  return told?.last.kind === 'built' ? { ...told.last.project, tasks: told.tasks } : null;
}

/** `readConfig` in the same way. @param folder absolute, with symbolic links resolved */
export async function readConfigApart(folder: string, { signal }: Ending = {}): Promise<ProjectConfig | null> {
  const told = await listen({ kind: 'configuration', folder }, { signal });
  return told?.last.kind === 'read' ? told.last.config : null;
}

/** Gets the files that a build has read, or looked for in vain, as absolute paths: also of one that was refused, as far as it came. */
export type OnRead = (files: readonly string[]) => void;

/** Gets what a build is at: `bundling cloudcode/othertask/index.ts`. */
export type OnStep = (step: string) => void;

interface Telling {
  readonly onRead?: OnRead | undefined;
  readonly onStep?: OnStep | undefined;
}

interface Caching {
  /** A folder for what the next build can use: the project's `.cloudcode` unless given. Where it cannot be written, nothing is kept. */
  readonly cache?: string | undefined;
}

interface Waiting {
  /** Has a process that waits for a build, or none yet. */
  readonly standby?: StandbyBuild | undefined;
}

interface Ending {
  readonly signal?: AbortSignal | undefined;
}

interface Told {
  readonly last: Extract<BuildMessage, { kind: 'built' | 'read' }>;
  readonly tasks: readonly BuiltTask[];
}

async function listen(
  job: BuildJob,
  { signal, standby, ...telling }: Ending & Telling & Waiting,
): Promise<Told | null> {
  const isAborted = (): boolean => signal?.aborted === true;
  if (isAborted()) return null;
  const started = standby?.take() ?? (await startBuildProcess());
  signal?.addEventListener('abort', started.end, { once: true });
  if (isAborted()) started.end();
  try {
    started.begin(job);
    return await follow(started, telling);
  } catch (error) {
    if (isAborted()) return null;
    throw error;
  } finally {
    signal?.removeEventListener('abort', started.end);
  }
}

async function follow({ child, ended, end }: BuildProcess, { onRead, onStep }: Telling): Promise<Told> {
  const tasks: BuiltTask[] = [];
  const steps: string[] = [];
  let last: BuildMessage | null = null;
  let ticks = 0;
  const stuck = (): boolean => ticks * tickMs >= maxStepMs;
  const timer = setInterval(() => {
    ticks += 1;
    if (stuck()) end();
  }, tickMs);
  // Its process is what is waited for.
  timer.unref();
  void ended.then(() => clearInterval(timer));
  const decode = messageDecoder();
  const told = Promise.withResolvers<string>();
  (child.stdio[messageDescriptor] as Readable).on('data', (piece: Buffer) => {
    ticks = 0;
    for (const message of decode(piece)) {
      last = message;
      if (message.kind === 'begun') steps.push(message.step);
      else if (message.kind === 'done') steps.splice(steps.lastIndexOf(message.step), 1);
      else if (message.kind === 'task') tasks.push(message.task);
      else if (message.kind === 'files') onRead?.(message.files);
      else told.resolve(message.kind);
    }
    const step = steps.at(-1);
    if (step !== undefined) onStep?.(step);
  });
  // After its last word nobody waits for its end.
  const how = await Promise.race([ended, told.promise]);
  const result = resultOf(last);
  return result === null
    ? failed(stuck() ? `made no progress for ${maxStepMs / 1000} s and was ended` : how, steps.at(-1))
    : { last: result, tasks };
}

function resultOf(last: BuildMessage | null): Told['last'] | null {
  if (last?.kind === 'built' || last?.kind === 'read') return last;
  if (last?.kind === 'refused') throw new CloudCodeError(last.code, last.message, { hint: last.hint });
  if (last?.kind === 'failed')
    throw Object.assign(new Error(last.message), last.stack === undefined ? {} : { stack: last.stack });
  return null;
}

function failed(how: string, step: string | undefined): never {
  throw new CloudCodeError('build_failed', `The build ${how}${step === undefined ? '' : `, while ${step}`}.`, {
    hint: 'What is deployed stays. Code outside of functions, in the configuration and the data model above all, must come to an end and leave the process alone.',
  });
}
