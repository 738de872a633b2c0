import { CloudCodeError } from '../core/errors.ts';
import { openSession, type Session } from './open-session.ts';

/** Two of one, then two of the other: whether a pooler hands out what was used last, what was used first or each in turn, one of them gets another session. */
const rounds = 3;

/**
 * Refuses a connection pooler that gives each transaction whatever session is free. Two connections note who they are in their sessions; each has to find its own note, in the same process of the server.
 * @throws CloudCodeError `database_pooled`, `database_unreachable`
 */
export async function refusePooler(url: string): Promise<void> {
  await using first = await openSession(url);
  await using second = await openSession(url);
  const seen = [await note(first, 'first'), await note(second, 'second')];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, session] of [first, second].entries()) {
      for (const _ of ['once', 'again']) if ((await readNote(session)) !== seen[index]) throw pooled();
    }
  }
}

/** The process of the server, and who uses its session. */
async function note(session: Session, name: string): Promise<string> {
  await session.query({ name: '', text: `set cloudcode.session = '${name}'` });
  return `${session.backendPid} ${name}`;
}

async function readNote(session: Session): Promise<string | undefined> {
  const [row] = await session.query<{ note: string }>({
    name: '',
    text: "select concat_ws(' ', pg_backend_pid(), current_setting('cloudcode.session', true)) as note",
  });
  return row?.note;
}

function pooled(): CloudCodeError {
  return new CloudCodeError(
    'database_pooled',
    'A connection pooler stands before the database and gives each transaction another session (pgbouncer with pool_mode = transaction, say).',
    {
      hint: 'Name the PostgreSQL server itself in the URL, with its own port, or a port of the pooler that keeps sessions (pool_mode = session). CloudCode keeps few connections, and keeps things in them: prepared statements, locks and LISTEN.',
    },
  );
}
