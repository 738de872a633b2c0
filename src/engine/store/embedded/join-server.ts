import { join } from 'node:path';
import pg from 'pg';
import type { CloudCodeError } from '../../core/errors.ts';
import { dataFolderOf } from './data-folder.ts';
import { failed } from './failed.ts';
import { connectKeeper } from './keeper.ts';
import { type Postmaster, type StartedPostmaster, startPostmaster } from './postmaster.ts';
import { postmasterPid, removeStaleLock } from './server-process.ts';

const patienceMs = 60_000;

export interface JoinedServer {
  readonly keeper: pg.Client;
  readonly startedHere: boolean;
}

/** Connects, starting the server as often as it takes: another process may be stopping it, or a crash may still hold its memory. */
export async function joinServer(postmaster: Postmaster): Promise<JoinedServer> {
  const end = performance.now() + patienceMs;
  let own: StartedPostmaster | null = null;
  for (;;) {
    const hadExited = own?.hasExited() === true;
    const answer = await connectKeeper(postmaster.settings);
    if (answer instanceof pg.Client)
      return { keeper: answer, startedHere: own !== null && own.pid === postmasterPid(postmaster.folder) };
    if (isRefusal(answer)) throw refused(postmaster.folder, answer);
    if (performance.now() > end)
      throw failed(
        `The embedded PostgreSQL did not answer within ${patienceMs / 1000} s: ${answer.message}\n${own?.readLog() ?? ''}`,
        answer,
      );
    if (own !== null && hadExited) {
      const log = own.readLog();
      own = null;
      if (serverCode(answer) === null) await considerFailure(postmaster, log);
    }
    // A server that starts up or shuts down answers so; when nothing answers, there is none.
    if (own === null && serverCode(answer) === null) own = startPostmaster(postmaster);
    await elapsed(own === null ? 50 : 15);
  }
}

/** Why a server that was started has ended: returns when it is worth another try. */
async function considerFailure({ folder, settings }: Postmaster, log: string): Promise<void> {
  // The children of a server that was killed end within seconds.
  if (/pre-existing shared memory block|could not create shared memory/.test(log)) return elapsed(250);
  if (!/lock file|postmaster\.pid/.test(log) || /No space left/.test(log))
    throw failed(`The embedded PostgreSQL ended right after its start:\n${log}`);
  // Another starter's server has the data, most likely.
  removeStaleLock(join(dataFolderOf(folder), 'postmaster.pid'), folder);
  removeStaleLock(join(settings.socketFolder, '.s.PGSQL.5432.lock'), folder);
  return elapsed(100);
}

/** The code that a server answered with; null when nobody is there: no socket, nobody listening, or cut off. */
function serverCode(answer: Error): string | null {
  return answer instanceof pg.DatabaseError ? (answer.code ?? '') : null;
}

/** Starting up, shutting down (57P..) and too many connections (53...) pass; anything else would be answered again. */
function isRefusal(answer: Error): boolean {
  const code = serverCode(answer);
  return code !== null && !/^(57P|53|55006)/.test(code);
}

function refused(folder: string, answer: Error): CloudCodeError {
  if (serverCode(answer) !== '28P01') return failed(`The embedded PostgreSQL refuses: ${answer.message}`, answer);
  return failed(
    `The password in ${join(folder, 'postgres.json')} is not that of the data in ${dataFolderOf(folder)}. The two belong together.`,
    answer,
  );
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
