import type { Command } from 'commander';
import { CloudCodeError } from '../core/errors.ts';
import { suggest } from '../core/suggest.ts';

/** For a command that has subcommands and does something by itself: what is left over is a misspelt subcommand. @throws CloudCodeError `wrong_usage` */
export function refuseExtraArguments(command: Command): void {
  const [extra] = command.args;
  if (extra === undefined) return;
  const known = command.commands.map((each) => each.name());
  const nearest = suggest(extra, known);
  throw new CloudCodeError('wrong_usage', `\`${command.name()}\` has no command ${JSON.stringify(extra)}.`, {
    hint: nearest === null ? `There are ${known.join(', ')}.` : `Did you mean \`cloudcode ${command.name()} ${nearest}\`?`,
  });
}
