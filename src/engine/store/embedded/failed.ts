import { CloudCodeError } from '../../core/errors.ts';

export function failed(message: string, cause?: unknown): CloudCodeError {
  return new CloudCodeError('embedded_failed', message, {
    hint: 'Fix the error above, or name a PostgreSQL server: --database URL.',
    cause,
  });
}

export function lastLines(text: string, count = 6): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
