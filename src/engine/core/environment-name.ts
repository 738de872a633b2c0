import { CloudCodeError } from './errors.ts';
import { suggest } from './suggest.ts';

const pattern = /^[A-Za-z0-9_-]{1,100}$/;

/** @throws CloudCodeError `invalid_environment` */
export function checkEnvironmentName(name: string): void {
  if (pattern.test(name)) return;
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  throw new CloudCodeError(
    'invalid_environment',
    `${JSON.stringify(shown)} cannot be the name of an environment: it must be 1 to 100 letters, digits, \`_\` and \`-\`.`,
    { hint: 'Like `staging` or `customer-7`.' },
  );
}

/** @param known those that there are */
export function environmentNotFound(name: string, known: readonly string[]): CloudCodeError {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  return new CloudCodeError('environment_not_found', `There is no environment ${quoted(shown)}.`, {
    hint: hintFor(name, known),
  });
}

function hintFor(name: string, known: readonly string[]): string {
  const nearest = suggest(name.slice(0, 100), known);
  if (nearest !== null) return `Did you mean \`${nearest}\`?`;
  const shown = known.slice(0, 10).join(', ');
  const there = known.length === 0 ? 'There is none' : `There are ${shown}${known.length > 10 ? ', …' : ''}`;
  return pattern.test(name) ? `${there}. To make it: cloudcode environments create ${name}` : `${there}.`;
}

function quoted(name: string): string {
  return pattern.test(name) ? `\`${name}\`` : JSON.stringify(name);
}
