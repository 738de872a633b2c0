import { prepare, waitForRun } from './main.ts';

prepare();
waitForRun(() => process.reallyExit(0));
