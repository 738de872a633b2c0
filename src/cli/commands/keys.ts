import type { Command } from 'commander';
import { counted } from '../../engine/core/counted.ts';
import { keys as operations } from '../../service/api/keys.ts';
import { exitStatuses, invoke, type Invocation } from '../invocation.ts';
import { refuseUnused } from '../refuse-extra-arguments.ts';
import { resolveBackend } from '../resolve-backend.ts';

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the master key of masked variables');
  const rotate = keys
    .command('rotate')
    .description('put a new master key in the place of the old one; runs go on')
    .addHelpText(
      'after',
      `
A key in a file (.cloudcode/master.key) is replaced there: copy it to the other machines. One that was given in CLOUDCODE_MASTER_KEY
is replaced by CLOUDCODE_NEW_MASTER_KEY while no server runs; start with the new one afterwards.

Examples:
  $ cloudcode keys rotate
  $ CLOUDCODE_MASTER_KEY=$OLD CLOUDCODE_NEW_MASTER_KEY=$(openssl rand -base64 32) cloudcode keys rotate --database $URL`,
    );
  refuseUnused(rotate, 'environment');
  rotate.action(() => invoke(rotate, rotateKey));
}

async function rotateKey({ terminal, global }: Invocation): Promise<number> {
  const { backend, close } = await resolveBackend(global);
  try {
    const rotated = await backend.call(operations.rotate, {});
    if (terminal.json) terminal.printJson(rotated);
    else
      terminal.print(
        `There is a new master key (${rotated.masterKeyId}); ${counted(rotated.environments, 'environment')} with masked variables can be read with it, and with no other.`,
      );
    return exitStatuses.done;
  } finally {
    await close();
  }
}
