import { dirname, join } from 'node:path';
import type * as DataGlobals from '../../data/worker/data-globals.ts';
import * as ownGlobals from './own-globals.ts';

const { readFileSync } = process.getBuiltinModule('node:fs');
/** Beside this bundle, whose path a task can change in process.argv. */
const path = join(dirname(process.argv[1] ?? ''), 'worker-data.cjs');

let loaded: typeof DataGlobals | null = null;

/** Loads what stores and finds objects, when it is first used. As the task's code has run by then, neither its `require` nor its globals are used. */
export function loadDataGlobals(): typeof DataGlobals {
  return (loaded ??= evaluate());
}

function evaluate(): typeof DataGlobals {
  const module = { exports: {} };
  const names = Object.keys(ownGlobals) as (keyof typeof ownGlobals)[];
  const define = process
    .getBuiltinModule('node:vm')
    .compileFunction(readFileSync(path, 'utf8'), ['module', ...names], { filename: path }) as (
    ...given: readonly unknown[]
  ) => void;
  define(module, ...names.map((name) => ownGlobals[name]));
  return module.exports as typeof DataGlobals;
}
