// A bundle of its own, dist/worker-data.cjs, loaded when a task first uses any of it: most tasks store nothing, and a process starts
// with every attempt. docs/decisions/worker-start.md has the figures.
export { Attachment } from '../model/attachment.ts';
export { Day } from '../model/day.ts';
export { createDb } from './create-db.ts';
export { scheduleRuns } from './schedule-runs.ts';
