import { createRequire } from 'node:module';
import { chain as chainOfBase } from '@parts/chain-base';
import { v5 } from 'uuid';

export function chain(): string[] {
  const { version } = createRequire(import.meta.url)('uuid/package.json') as { version: string };
  return [`top ${version} ${v5('x', v5.DNS)}`, ...chainOfBase()];
}
