import type { Store } from '../../engine/store/open-store.ts';
import type { Proxy } from '../proxy/open-proxy.ts';
import { retryUntil } from '../retry-until.ts';

type Heal = () => Promise<unknown>;

/** What changes something by itself: when the answer is lost, nobody knows whether it did. `commit` is the end of everything else; `data_` begins what `DB` asks for. */
export const changing = [
  'claim_runs',
  'end_attempts',
  'store_answer',
  'renew_lease',
  'insert_log_lines',
  'commit',
  'data_',
] as const;
const maxLost = 4;
const minDelayMs = 20;
const maxDelayMs = 400;

export function cutConnections(proxy: Proxy): boolean {
  proxy.cut();
  return true;
}

export async function slowConnections(proxy: Proxy, choice: number, heal: Heal): Promise<boolean> {
  proxy.slowDown(Math.round(minDelayMs + choice * (maxDelayMs - minDelayMs)));
  await heal();
  proxy.slowDown(0);
  return true;
}

export async function swallowConnections(proxy: Proxy, heal: Heal): Promise<boolean> {
  proxy.swallow(true);
  await heal();
  proxy.swallow(false);
  return true;
}

/** @returns false when nothing was asked meanwhile whose answer could be lost */
export async function loseCommitAnswers(proxy: Proxy, choice: number, heal: Heal): Promise<boolean> {
  const before = proxy.lost();
  const favourite = changing[Math.floor(choice * changing.length)] ?? 'commit';
  proxy.loseAnswers((choice * 100) % 1 < 0.5 ? changing : [favourite], 1 + Math.floor(((choice * 10) % 1) * maxLost));
  await heal();
  proxy.loseAnswers([], 0);
  return proxy.lost() > before;
}

/** As an administrator or a pooler does. */
export async function terminateSessions(proxy: Proxy, store: Store, stopping: AbortSignal): Promise<boolean> {
  const pids = proxy.backendPids();
  if (pids.length === 0) return false;
  const rows = await retryUntil(stopping, () =>
    store.query<{ ended: boolean }>({
      name: 'chaos_terminate',
      text: 'select pg_terminate_backend(pid) as ended from unnest($1::integer[]) as pid',
      values: [pids],
    }),
  );
  return rows !== null;
}
