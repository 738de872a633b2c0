import { createRequire } from 'node:module';

export function leftVersion(): string {
  return (createRequire(import.meta.url)('semver/package.json') as { version: string }).version;
}
