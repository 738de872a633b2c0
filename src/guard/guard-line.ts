/**
 * What a runner tells its guard: lines of text on the guard's standard input. The end of the input without `end` before it means that the runner died.
 *
 * To come: `deadline <ms of the boot clock>`, the time at which the workers' leases run out unless the runner names a later one; another case of this union.
 */
export type GuardLine = { readonly kind: 'end' };

/** Null for a line that means nothing: from a broken runner, whose end will be noticed anyway. */
export function parseGuardLine(line: string): GuardLine | null {
  return line === 'end' ? { kind: 'end' } : null;
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
