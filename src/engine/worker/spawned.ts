import { prepare, waitForRun } from './main.ts';

// Taken before the task runs: libraries that watch for the end of the process put their own in its place.
const leave: (code: number) => never = process.reallyExit.bind(process);

prepare();
waitForRun(() => leave(0));
