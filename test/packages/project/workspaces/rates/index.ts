import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import more from './more.json' with { type: 'json' };

export const rates = (): unknown => ({ ...JSON.parse(readFileSync(new URL('./rates.json', import.meta.url), 'utf8')) as object, ...more });

export const mail = (name: string): string => readFileSync(join(import.meta.dirname, 'templates', 'mail.txt'), 'utf8').replace('NAME', name);
