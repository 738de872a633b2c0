import { sendMessage } from 'execa';
import { basename } from 'node:path';

await sendMessage({ word: process.argv[2], folder: basename(import.meta.dirname) });
