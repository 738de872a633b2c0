import { version } from './version.ts';

export const chain = (): string[] => [`base ${version}`];
