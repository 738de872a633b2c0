import { constants, compileFunction } from 'node:vm';
import { createRequire } from 'node:module';

/**
 * Does once, before the process waits for its run, what costs more the first time: Node loads parts of itself when they are first used. What is done here is done in half a millisecond while
 * nobody waits, and not between the scheduling of a run and its first line.
 */
export function rehearse(): void {
  createRequire('/rehearsal/package.json');
  compileFunction('', ['exports'], { filename: '/rehearsal', importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
  process.resourceUsage();
}
