import { findUp } from 'find-up';
import { basename } from 'node:path';

export async function run({ folder }) {
  const found = await findUp('etc', { cwd: '/usr', type: 'directory' });
  return basename(found ?? '');
}
