import { closeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { prepare, waitForRun } from '../worker/main.ts';
import { loadCommon } from './load-common.ts';
import { ownIdentity } from './own-identity.ts';

/**
 * The fork server: `node <flags> fork-server.cjs <name of the runner's socket>`, with the native part as descriptor 4 and preloaded, and the runner on descriptor 3. It loads what is the same for every
 * run and then forks a worker each time that the runner asks: `serve` returns in each of them.
 */
const addonFd = 4;

interface Addon {
  /** Returns in each child, with its process id. */
  serve(socketName: string): number;
  /** Ends a child at once. */
  leave(): never;
}

const [, ownFile = '', socketName = ''] = process.argv;
const addon = loadAddon();
loadCommon();
prepare();
// From here on V8 compiles a function when it is first called, as everywhere: a task may bring megabytes of which it uses little.
setFlagsFromString('--lazy');
// What follows is run in the children alone.
ownIdentity(addon.serve(socketName), join(dirname(ownFile), 'worker.cjs'));
waitForRun(addon.leave);

// Loaded by its descriptor, so that it is not in `require.cache`, where a task could find it.
function loadAddon(): Addon {
  const module = { exports: {} };
  process.dlopen(module, `/proc/self/fd/${addonFd}`);
  closeSync(addonFd);
  // It was for this process: what tasks start is not to have it.
  delete process.env['LD_PRELOAD'];
  return module.exports as Addon;
}
