import chalk, { Chalk } from 'chalk';

export async function run() {
  return { red: new Chalk({ level: 1 }).red('x'), level: typeof chalk.level };
}
