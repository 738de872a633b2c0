import { z } from 'zod';

const time = z.iso.datetime({ offset: true });
const secondsLeftOut = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})$/;

/** Reads an ISO 8601 time with its offset from UTC (`2026-03-01T09:00:00Z`); null when it is none. */
export function parseIsoTime(text: string): Date | null {
  const full = text.replace(secondsLeftOut, '$1:00$2');
  return time.safeParse(full).success ? new Date(full) : null;
}
