import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { parseEnv } from 'node:util';
import { CloudCodeError } from '../engine/core/errors.ts';
import { messageOf } from '../engine/core/thrown.ts';
import type { Terminal } from './terminal/terminal.ts';

/** A value from standard input, without one line break at its end; on a terminal it is asked for, and a masked one is not shown. @throws CloudCodeError `wrong_usage` */
export async function readValue(
  name: string,
  { terminal, isMasked }: { readonly terminal: Terminal; readonly isMasked: boolean },
): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).replace(/\r?\n$/, '');
  terminal.err.write(`The value of ${name}${isMasked ? ' (it is not shown)' : ''}: `);
  const value = await readLine(isMasked);
  if (isMasked) terminal.err.write('\n');
  if (value !== null) return value;
  throw new CloudCodeError('wrong_usage', `No value was given for ${name}.`);
}

/** A line of a terminal; null at its end. */
export async function readLine(isHidden: boolean): Promise<string | null> {
  // What is typed is echoed by readline, to where this goes.
  const output = isHidden ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stderr;
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  try {
    const line = Promise.withResolvers<string | null>();
    lines.once('line', line.resolve);
    lines.once('close', () => line.resolve(null));
    lines.once('SIGINT', () => line.resolve(null));
    return await line.promise;
  } finally {
    lines.close();
  }
}

/** The variables of a file as Node reads `.env`. @throws CloudCodeError `wrong_usage` */
export async function readVariablesFile(
  file: string,
): Promise<readonly { readonly name: string; readonly value: string }[]> {
  const source = file === '-' ? await text(process.stdin) : await readText(file);
  const read = Object.entries(parseEnv(source.replace(/^\ufeff/, '')));
  if (read.length > 0) return read.map(([name, value = '']) => ({ name, value }));
  throw new CloudCodeError('wrong_usage', `There are no variables in ${file === '-' ? 'standard input' : file}.`, {
    hint: 'It must have lines like NAME=VALUE.',
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CloudCodeError('wrong_usage', `The file cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}
