import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { isDeepStrictEqual, promisify } from 'node:util';
import { type Case, missingFor, parametersOf } from './cases.ts';
import { layOut, type ModuleType } from './lay-out.ts';

/** What came of a task, or of the same in plain Node. */
interface Answer {
  readonly value: unknown;
  readonly error: string | null;
}

export interface Tried {
  readonly kind: string;
  readonly name: string;
  readonly type: ModuleType;
  readonly verdict: 'works' | 'differs' | 'fails' | 'fails in plain Node' | 'untried';
  /** Why, where it does not work. */
  readonly detail: string | null;
  /** `12 as they are (4.2 MB), 1 in the bundle`. */
  readonly loaded: string | null;
  readonly deployMs: number | null;
  /** From the start of the attempt to its end, the second time. */
  readonly runMs: number | null;
  /** The same file in plain Node, from its start to its end. */
  readonly plainMs: number | null;
}

/** Where the packages are installed, where the runs go, and a database for the tasks themselves. */
export interface Places {
  readonly installed: string;
  readonly store: string;
  readonly tasks: string;
}

const run = promisify(execFile);
const cli = join(import.meta.dirname, '..', '..', 'bin', 'cloudcode.cjs');
const caseMs = 300_000;

/** Deploys one case, runs it twice and in plain Node, and compares what they answer. */
export async function tryCase(each: Case, type: ModuleType, { installed, store, tasks }: Places): Promise<Tried> {
  const { kind, name } = each;
  const tried = { kind, name, type, loaded: null, deployMs: null, runMs: null, plainMs: null };
  const missing = missingFor(each);
  if (missing !== null) return { ...tried, verdict: 'untried', detail: `needs Debian's ${missing}` };
  const { project, plainFile, scratch } = layOut(each, type, installed);
  const freshFolder = (): string => {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    return scratch;
  };
  const cloudcode = async (...words: readonly string[]): Promise<string> => {
    const { stdout } = await run(execPath, [cli, ...words, '--project', project, '--database', store, '--json'], {
      timeout: caseMs,
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: unknown) => {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
      if (typeof stdout === 'string' && stdout.startsWith('{')) return { stdout };
      throw new Error((stderr ?? String(error)).trim());
    });
    return stdout;
  };
  const runTask = async (): Promise<Answer & { readonly tookMs: number }> => {
    const answer = await cloudcode('run', name, '--parameters', JSON.stringify(parametersOf(tasks, freshFolder())));
    const { state, result, error, attempts } = JSON.parse(answer) as Partial<RunJson>;
    if (attempts === undefined) throw new Error(answer);
    const last = attempts.at(-1);
    const tookMs = last === undefined ? 0 : Date.parse(last.finishedAt) - Date.parse(last.startedAt);
    return {
      value: state === 'succeeded' ? result : null,
      error: state === 'succeeded' ? null : `${error?.name ?? state ?? ''}: ${error?.message ?? ''}`,
      tookMs,
    };
  };
  try {
    const plainBegin = performance.now();
    const plain = await runPlain(
      plainFile,
      JSON.stringify(parametersOf(tasks, freshFolder())),
      join(scratch, '..', 'plain.json'),
    );
    const plainMs = performance.now() - plainBegin;
    if (plain.error !== null) return { ...tried, verdict: 'fails in plain Node', detail: plain.error, plainMs };
    const deployBegin = performance.now();
    const loaded = describeLoaded(JSON.parse(await cloudcode('deploy')) as Partial<DeployJson>);
    const deployMs = performance.now() - deployBegin;
    const [first, second] = [await runTask(), await runTask()];
    const times = { loaded, deployMs, runMs: second.tookMs, plainMs };
    const failed = first.error ?? second.error;
    if (failed !== null) return { ...tried, ...times, verdict: 'fails', detail: failed };
    const other = [first, second].find(({ value }) => !isDeepStrictEqual(value, plain.value));
    if (other !== undefined)
      return {
        ...tried,
        ...times,
        verdict: 'differs',
        detail: `${JSON.stringify(other.value)} in place of ${JSON.stringify(plain.value)}`,
      };
    return { ...tried, ...times, verdict: 'works', detail: null };
  } catch (error) {
    return { ...tried, verdict: 'fails', detail: error instanceof Error ? error.message : String(error) };
  }
}

interface RunJson {
  readonly state: string;
  readonly result: unknown;
  readonly error: { readonly name: string; readonly message: string } | null;
  readonly attempts: readonly { readonly startedAt: string; readonly finishedAt: string }[];
}

interface DeployJson {
  readonly packages: { readonly bytes: number };
  readonly report: readonly { readonly how: 'outside' | 'plain' | 'bundled' }[];
}

/** @throws Error when the deployment was refused */
function describeLoaded({ packages, report, ...rest }: Partial<DeployJson>): string {
  if (packages === undefined || report === undefined) throw new Error(JSON.stringify(rest));
  const outside = report.filter(({ how }) => how !== 'bundled').length;
  const bundled = report.length - outside;
  return [
    ...(outside > 0 ? [`${outside} as they are (${(packages.bytes / 1_000_000).toFixed(1)} MB)`] : []),
    ...(bundled > 0 ? [`${bundled} in the bundle`] : []),
  ].join(', ');
}

async function runPlain(file: string, parameters: string, answerFile: string): Promise<Answer> {
  rmSync(answerFile, { force: true });
  const failure = await run(
    execPath,
    [
      '--experimental-transform-types',
      '--no-warnings',
      join(import.meta.dirname, 'plain-main.ts'),
      file,
      parameters,
      answerFile,
    ],
    { timeout: caseMs, maxBuffer: 64 * 1024 * 1024 },
  ).then(
    () => null,
    (error: unknown) => String(error),
  );
  if (!existsSync(answerFile)) return { value: null, error: failure ?? 'it ended without an answer' };
  return JSON.parse(readFileSync(answerFile, 'utf8')) as Answer;
}
