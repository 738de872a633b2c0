import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';

/** One task of the project. */
export interface Case {
  /** `clouds`. */
  readonly kind: string;
  /** `aws_s3`, also the name of its task. */
  readonly name: string;
  readonly folder: string;
}

export const projectFolder = join(import.meta.dirname, 'project');
/** Where the packages of the quick cases are installed. */
export const quickFolder = join(import.meta.dirname, 'quick');

/** What CI runs: some of each kind, from packages that need no service but PostgreSQL. */
export const quickCases = ['aws_s3', 'pg', 'kysely', 'p_queue', 'nodemailer', 'pug', 'pdfkit', 'jsdom', 'sharp', 'piscina', 'pino', 'pino_transport', 'opentelemetry_pg', 'typeorm', 'got', 'moment'];

/** By kind and name. */
export function listCases(): readonly Case[] {
  const tasks = join(projectFolder, 'tasks');
  const folders = (inside: string): string[] => readdirSync(inside, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  return folders(tasks).flatMap((kind) => folders(join(tasks, kind)).map((name) => ({ kind, name, folder: join(tasks, kind, name) })));
}

const chromium = '/usr/bin/chromium';
const needs: readonly { readonly names: readonly string[]; readonly what: string; readonly isThere: () => boolean }[] = [
  { names: ['puppeteer', 'playwright', 'chrome_launcher'], what: 'Debian\'s chromium', isThere: () => existsSync(chromium) },
  { names: ['ioredis', 'redis'], what: 'Debian\'s redis-server', isThere: () => spawnSync('redis-server', ['--version']).status === 0 },
];

/** What a case needs that this machine does not have, or null. */
export function missingFor({ name }: Case): string | null {
  return needs.find(({ names, isThere }) => names.includes(name) && !isThere())?.what ?? null;
}

/** What every task is called with. */
export function parametersOf(postgres: string, folder: string): Readonly<Record<string, string>> {
  return { postgres, folder, chromium };
}
