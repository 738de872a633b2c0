/**
 * What a runner tells its guard: lines of text on the guard's standard input. The end of the input without `end` before it means that the runner died.
 * `hold <ms>` names the time of the boot clock at which the workers must be ended, unless a later one is named before. `kill <worker id> <name of its cgroup's folder, or nothing>` asks
 * to end a worker that the runner itself fails to end.
 */
export type GuardLine =
  | { readonly kind: 'end' }
  | { readonly kind: 'hold'; readonly deadline: number }
  | { readonly kind: 'kill'; readonly workerId: string; readonly folder: string | null };

/**
 * What a guard tells its runner, on its standard output: that it watches; that it holds a deadline, and has ended what it was ending; why it could not end something yet, in words.
 */
export type GuardReport =
  | { readonly kind: 'ready' }
  | { readonly kind: 'holding'; readonly deadline: number }
  | { readonly kind: 'trouble'; readonly why: string };

/** Null for a line that means nothing: from a broken runner, whose end will be noticed anyway. */
export function parseGuardLine(line: string): GuardLine | null {
  if (line === 'end') return { kind: 'end' };
  const [, workerId, folder = ''] = /^kill ([0-9a-f-]{36}) (worker-\d+)?$/.exec(line) ?? [];
  if (workerId !== undefined) return { kind: 'kill', workerId, folder: folder === '' ? null : folder };
  const deadline = parseDeadline('hold', line);
  return deadline === null ? null : { kind: 'hold', deadline };
}

export function parseGuardReport(line: string): GuardReport | null {
  if (line === 'ready') return { kind: 'ready' };
  if (line.startsWith('trouble ')) return { kind: 'trouble', why: line.slice('trouble '.length) };
  const deadline = parseDeadline('holding', line);
  return deadline === null ? null : { kind: 'holding', deadline };
}

function parseDeadline(word: string, line: string): number | null {
  const [first, digits, ...others] = line.split(' ');
  return first === word && digits !== undefined && others.length === 0 && /^\d{1,15}$/.test(digits)
    ? Number(digits)
    : null;
}

/** Cuts a stream of text into lines. A line that is far too long for any message is dropped, so that it cannot fill the memory. */
export function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > 1_000) rest = '';
    for (const line of lines) onLine(line);
  };
}
