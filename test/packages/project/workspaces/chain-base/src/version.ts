import { createRequire } from 'node:module';
import { v4, validate } from 'uuid';

if (!validate(v4())) throw new Error('no uuid');

export const version = (createRequire(import.meta.url)('uuid/package.json') as { version: string }).version;
