import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { until } from '../support/runtime.ts';

const program = join(packageRoot, 'bin/cloudcode.cjs');

export interface Started extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit status; a signal's name when it was killed. */
  readonly ended: Promise<number | string>;
  /** Waits until standard output or error has it. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is started in place of this Node and the package's program. */
  readonly command?: readonly [string, ...string[]];
  /** In a process group and session of its own. */
  readonly detached?: boolean;
}

const ownVariables = [
  'CLOUDCODE_URL',
  'CLOUDCODE_TOKEN',
  'CLOUDCODE_DATABASE_URL',
  'CLOUDCODE_DATA',
  'NO_COLOR',
  'FORCE_COLOR',
];

/** Starts the real command. Nothing of this process's own settings reaches it. */
export function startCloudcode(
  args: readonly string[],
  { cwd = tmpdir(), input, env = {}, command = [process.execPath, program], detached = false }: Surroundings = {},
): Started {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ownVariables.includes(name)));
  const [file, ...first] = command;
  const child = spawn(file, [...first, ...args], {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined).end(input);
  let isOver = false;
  const ended = once(child, 'close').then(([status, signal]: unknown[]) => {
    isOver = true;
    return typeof status === 'number' ? status : String(signal);
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (pattern) =>
      until(60_000, `${args.join(' ')} says ${String(pattern)}`, () => {
        const match = pattern.exec(stdout) ?? pattern.exec(stderr);
        if (match === null && isOver)
          throw new Error(`it ended without saying ${String(pattern)}:\n${stdout}\n${stderr}`);
        return match;
      }),
    async [Symbol.asyncDispose]() {
      if (!isOver) child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(killing);
    },
  };
}

export interface Finished {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command to its end. */
export async function cloudcode(args: readonly string[], surroundings: Surroundings = {}): Promise<Finished> {
  const started = startCloudcode(args, surroundings);
  const killing = setTimeout(() => started.child.kill('SIGKILL'), 90_000);
  const status = await started.ended;
  clearTimeout(killing);
  return { status, stdout: started.stdout(), stderr: started.stderr() };
}

/** The document on standard output; it must be all there is. */
export function documentOf<Document>({ stdout }: Finished): Document {
  return JSON.parse(stdout) as Document;
}
