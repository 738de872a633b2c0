import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CloudCodeError } from '../core/errors.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { keyBytes, keyId } from './seal.ts';

export interface MasterKey {
  readonly id: string;
  readonly key: Buffer;
}

/** Where this process finds the master key: what it was given (CLOUDCODE_MASTER_KEY), or else a file of this machine. */
export interface MasterKeys {
  /** For messages. */
  readonly place: string;
  /** Reads it anew each time, as another process may have made or replaced it. Null when there is none. @throws CloudCodeError `master_key_invalid` */
  read(): MasterKey | null;
  /** The one that replaces it is not in force yet, or was left behind in the middle of that. Null when there is none. @throws CloudCodeError `master_key_invalid` */
  readNext(): MasterKey | null;
  /** The one there is, or else a new one, in a file for this user alone. @throws CloudCodeError `master_key_invalid` */
  readOrMake(): MasterKey;
  /** Prepares the one that is to replace it. @throws CloudCodeError `master_key_missing` where it was given and its successor was not */
  prepareNext(): MasterKey;
  /** The prepared one is in force. */
  adoptNext(): void;
}

/** Given by whoever starts the process, and kept from all that it starts. */
export interface GivenKeys {
  /** CLOUDCODE_MASTER_KEY. */
  readonly current?: string | undefined;
  /** CLOUDCODE_NEW_MASTER_KEY: what is to replace it. */
  readonly next?: string | undefined;
}

/** @param folder that of this machine, where the file is @throws CloudCodeError `master_key_invalid` */
export function openMasterKeys(folder: string, { current, next }: GivenKeys = {}): MasterKeys {
  return current === undefined
    ? keysInFile(join(folder, 'master.key'))
    : keysGiven(parseKey(current, 'CLOUDCODE_MASTER_KEY'), next);
}

function keysGiven(key: MasterKey, next: string | undefined): MasterKeys {
  const readNext = (): MasterKey | null => (next === undefined ? null : parseKey(next, 'CLOUDCODE_NEW_MASTER_KEY'));
  return {
    place: 'CLOUDCODE_MASTER_KEY',
    read: () => key,
    readNext,
    readOrMake: () => key,
    prepareNext() {
      const prepared = readNext();
      if (prepared !== null) return prepared;
      throw new CloudCodeError(
        'master_key_missing',
        'The master key was given by CLOUDCODE_MASTER_KEY, and what is to replace it was not.',
        {
          hint: 'Stop what works with it, run `cloudcode keys rotate` with the old one in CLOUDCODE_MASTER_KEY and the new one in CLOUDCODE_NEW_MASTER_KEY (openssl rand -base64 32 makes one), and start again with the new one.',
        },
      );
    },
    adoptNext: () => undefined,
  };
}

function keysInFile(path: string): MasterKeys {
  const next = `${path}.next`;
  const read = (): MasterKey | null => readKeyFile(path);
  return {
    place: path,
    read,
    readNext: () => readKeyFile(next),
    readOrMake() {
      const there = read();
      if (there !== null) return there;
      const temporary = `${path}.${process.pid}.tmp`;
      writeKeyFile(temporary);
      try {
        // Of several that make one at the same time the first wins.
        linkSync(temporary, path);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw unreadable(path, error);
      } finally {
        rmSync(temporary, { force: true });
      }
      const made = read();
      if (made === null) throw unreadable(path, new Error('it is gone again'));
      return made;
    },
    prepareNext() {
      const left = readKeyFile(next);
      if (left !== null) return left;
      writeKeyFile(next);
      const prepared = readKeyFile(next);
      if (prepared === null) throw unreadable(next, new Error('it is gone again'));
      return prepared;
    },
    adoptNext() {
      try {
        renameSync(next, path);
      } catch (error) {
        // Another process has done it.
        if (codeOf(error) !== 'ENOENT') throw unreadable(next, error);
      }
    },
  };
}

function readKeyFile(path: string): MasterKey | null {
  let text: string;
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) !== 0)
      throw new CloudCodeError(
        'master_key_invalid',
        `The master key in ${path} can be read by others than its owner.`,
        {
          hint: `chmod 600 ${path}; if somebody may have read it: cloudcode keys rotate`,
        },
      );
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof CloudCodeError) throw error;
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
  return parseKey(text, path);
}

function writeKeyFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, `${randomBytes(keyBytes).toString('base64')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** 32 bytes in base64 or hex. Never says the text. */
function parseKey(text: string, place: string): MasterKey {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : Buffer.from(trimmed, /[-_]/.test(trimmed) ? 'base64url' : 'base64');
  if (key.length === keyBytes && /^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed)) return { id: keyId(key), key };
  throw new CloudCodeError(
    'master_key_invalid',
    `${place} holds no master key: it must be 32 bytes, in base64 or hex.`,
    {
      hint: 'To make one: openssl rand -base64 32',
    },
  );
}

function unreadable(path: string, cause: unknown): CloudCodeError {
  return new CloudCodeError(
    'master_key_invalid',
    `The master key in ${path} cannot be read or written: ${messageOf(cause)}.`,
    {
      hint: 'Let the user that runs CloudCode read and write it, and nobody else; or give the key in CLOUDCODE_MASTER_KEY.',
      cause,
    },
  );
}
