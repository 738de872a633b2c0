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
export const quickCases = [
  'aws_s3',
  'pg',
  'kysely',
  'p_queue',
  'nodemailer',
  'pug',
  'pdfkit',
  'jsdom',
  'sharp',
  'piscina',
  'pino',
  'pino_transport',
  'opentelemetry_pg',
  'typeorm',
  'got',
  'moment',
];

/** By kind and name. */
export function listCases(): readonly Case[] {
  const tasks = join(projectFolder, 'tasks');
  const folders = (inside: string): string[] =>
    readdirSync(inside, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  return folders(tasks).flatMap((kind) =>
    folders(join(tasks, kind)).map((name) => ({ kind, name, folder: join(tasks, kind, name) })),
  );
}

const chromium = '/usr/bin/chromium';
const isInstalled = (command: string) => (): boolean => spawnSync(command, ['--version']).error === undefined;
const needs: readonly { readonly names: readonly string[]; readonly what: string; readonly isThere: () => boolean }[] =
  [
    {
      names: [
        'puppeteer',
        'puppeteer_cluster',
        'puppeteer_extra',
        'playwright',
        'playwright_pdf',
        'chrome_launcher',
        'chrome_remote_interface',
        'selenium_chromedriver',
      ],
      what: 'chromium',
      isThere: () => existsSync(chromium),
    },
    { names: ['selenium_chromedriver'], what: 'chromium-driver', isThere: () => existsSync('/usr/bin/chromedriver') },
    {
      names: ['ioredis', 'redis', 'bull', 'bullmq', 'bee_queue', 'opentelemetry_redis', 'opentelemetry_ioredis'],
      what: 'redis-server',
      isThere: isInstalled('redis-server'),
    },
    { names: ['nats_server'], what: 'nats-server', isThere: isInstalled('nats-server') },
    { names: ['memjs'], what: 'memcached', isThere: isInstalled('memcached') },
  ];

/** Debian's package that a case needs and this machine does not have, or null. */
export function missingFor({ name }: Case): string | null {
  return needs.find(({ names, isThere }) => names.includes(name) && !isThere())?.what ?? null;
}

/** What every task is called with. */
export function parametersOf(postgres: string, folder: string): Readonly<Record<string, string>> {
  return { postgres, folder, chromium };
}
