import { encodeFrame } from '../protocol/frame.ts';
import type { StartMessage } from '../protocol/to-worker.ts';
import { endsInOrder } from './end-in-order.ts';
import { loadCommonJs } from './load-task.ts';
import { mapStacks } from './map-stack.ts';
import { ownPeakBytes } from './own-memory.ts';
import { setTaskGlobals } from './task-globals.ts';

/** A run whose bundle is an empty file, on any machine. */
const nothing: StartMessage = {
  type: 'start',
  run: { id: '', task: '', environment: '', queue: null, attempt: 1, maxAttempts: 1, fence: '0', scheduledBy: null },
  bundle: {
    path: '/dev/null',
    sourceMapPath: '',
    compiledFolder: '',
    format: 'cjs',
    base: '/package.json',
    packagesFolder: null,
  },
  folder: '/',
  workingFolder: '/',
  external: [],
  variables: {},
  extension: { file: '', globals: ['nothing'], state: null },
};

/**
 * Does once, while nobody waits for it, what is done between a run's start and its first line. V8 compiles a function, and Node loads its own modules, when they are first
 * used: a millisecond of each attempt, and of a forked worker's, which inherits it from its server.
 */
export function warmUp(): void {
  const start = JSON.parse(JSON.stringify(nothing)) as StartMessage;
  mapStacks(start.bundle);
  setTaskGlobals(start, {});
  loadCommonJs(start);
  useUpWarning();
  ownPeakBytes();
  encodeFrame('');
  endsInOrder();
}

/** Node warns, once in a process, of the way in which our code lets the task's `import()` reach Node's loader. That is ours, and no line of the task's. */
function useUpWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = () => {
    throw new Error('enough: nothing is imported');
  };
  const { Script, constants } = process.getBuiltinModule('node:vm');
  const imported = new Script('import("node:fs")', {
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext() as Promise<unknown>;
  process.emitWarning = emitWarning;
  imported.catch(() => undefined);
}
