import { cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kill, pid } from 'node:process';
import { packageRoot } from '../../package-root.ts';
import { stopPostmaster } from '../../engine/store/embedded/server-process.ts';
import { codeOf } from '../../engine/core/thrown.ts';

const prefix = 'cloudcode-chaos-';
const stopWithinMs = 10_000;

/** In a folder that is to stay. */
const keptMark = 'kept';

/** A campaign's own folder: its database, the project it deploys, and what its tasks witness. */
export interface ScratchFolder {
  readonly path: string;
  /** The project that the runners deploy, and the working folder of its tasks. */
  readonly project: string;
  /** What the tasks saw: a line each. */
  readonly witnessFile: string;
  /** What a runner says. */
  logOf(runner: number): string;
  /** How far the wall clock of a runner is off; beside it, with `.turns` after its name, the longest turns of its event loop in milliseconds. */
  clockOf(runner: number): string;
  remove(): void;
  /** Later campaigns leave it alone. */
  keep(): void;
}

export async function makeScratchFolder(): Promise<ScratchFolder> {
  await removeAbandoned();
  const path = realpathSync(mkdtempSync(join(tmpdir(), `${prefix}${pid}-`)));
  const project = join(path, 'project');
  cpSync(join(packageRoot, 'templates', 'campaign'), project, { recursive: true });
  return {
    path,
    project,
    witnessFile: join(project, 'witness.jsonl'),
    logOf: (runner) => join(path, `runner-${runner + 1}.log`),
    clockOf: (runner) => join(path, `clock-${runner + 1}`),
    remove: () => rmSync(path, { recursive: true, force: true }),
    keep: () => writeFileSync(join(path, keptMark), ''),
  };
}

export function embeddedFolderOf(scratch: ScratchFolder): string {
  return join(scratch.project, '.cloudcode');
}

/** What campaigns left that were killed. Their runners ended with them, but not their database. */
async function removeAbandoned(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    const owner = Number(name.slice(prefix.length).split('-')[0]);
    const path = join(tmpdir(), name);
    if (!(owner > 0) || isAlive(owner) || existsSync(join(path, keptMark))) continue;
    await stopPostmaster(join(path, 'project', '.cloudcode'), stopWithinMs);
    rmSync(path, { recursive: true, force: true });
  }
}

function isAlive(owner: number): boolean {
  try {
    return kill(owner, 0);
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
