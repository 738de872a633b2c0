import type { Command } from 'commander';
import { CloudCodeError } from '../engine/core/errors.ts';
import { suggest } from '../engine/core/suggest.ts';

/** For a command that has subcommands and does something by itself: what is left over is a misspelt subcommand. @throws CloudCodeError `wrong_usage` */
export function refuseExtraArguments(command: Command): void {
  const [extra] = command.args;
  if (extra === undefined) return;
  const known = command.commands.map((each) => each.name());
  const nearest = suggest(extra, known);
  throw new CloudCodeError('wrong_usage', `\`${command.name()}\` has no command ${JSON.stringify(extra)}.`, {
    hint:
      nearest === null ? `There are ${known.join(', ')}.` : `Did you mean \`cloudcode ${command.name()} ${nearest}\`?`,
  });
}

/**
 * For a command that does something by itself and has subcommands: those take neither more arguments than they name nor the options of its own
 * list, but for those that it heeds. Both are commander's default to pass on: `runs show ID --state queued` would show it without a look at the state.
 */
export function refuseWhatSubcommandsIgnore(
  command: Command,
  heeded: Readonly<Record<string, readonly string[]>> = {},
): void {
  for (const subcommand of command.commands) {
    subcommand.allowExcessArguments(false);
    subcommand.hook('preAction', () => {
      const ignored = command.options.filter(
        (option) => heeded[subcommand.name()]?.includes(option.attributeName()) !== true,
      );
      const given = ignored.find((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
      if (given !== undefined)
        subcommand.error(
          `error: option '${given.flags}' is of \`${command.name()}\`: \`${command.name()} ${subcommand.name()}\` has no use for it`,
        );
    });
  }
}

type GlobalOption = 'project' | 'environment' | 'url' | 'token' | 'database' | 'data';

/** For a command that has no use for some of the options that every command knows: they are refused when they are given, and not dropped. What variables of the environment say concerns the other commands. */
export function refuseUnused(command: Command, ...options: readonly GlobalOption[]): void {
  command.hook('preAction', () => {
    for (const name of options) {
      if (command.optsWithGlobals<Partial<Record<GlobalOption, string>>>()[name] !== undefined)
        command.error(`error: \`${command.name()}\` has no use for option '--${name}'`);
    }
  });
}

/** For `--no-part`: the options of a part that is left out have nothing to say. */
export function refuseWithout(command: Command, part: string, options: readonly string[]): void {
  command.hook('preAction', () => {
    if (command.opts<Record<string, unknown>>()[part] !== false) return;
    const given = command.options.find(
      (option) =>
        options.includes(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
    );
    if (given !== undefined) command.error(`error: with --no-${part}, option '${given.flags}' has nothing to say`);
  });
}

/** For `--part` and `--no-part`: of both, the later would count without a word. */
export function refuseBothWays(command: Command, part: string): void {
  const given = new Set<string>();
  for (const way of [part, `no-${part}`]) command.on(`option:${way}`, () => given.add(way));
  command.hook('preAction', () => {
    if (given.size > 1) command.error(`error: options '--${part}' and '--no-${part}' contradict each other`);
  });
}
