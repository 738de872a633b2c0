import spawn from 'cross-spawn';

export async function run() {
  return spawn.sync('echo', ['hello'], { encoding: 'utf8' }).stdout;
}
