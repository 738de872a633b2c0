// A bundle of its own, dist/worker-data.cjs, loaded when a task first uses any of it: most tasks store nothing, and a process starts
// with every attempt. docs/decisions/worker-start.md has the figures.
export { Attachment } from '../core/attachment.ts';
export { Day } from '../core/day.ts';
export { createDb } from './db/create-db.ts';
export { scheduleRuns } from './db/schedule-runs.ts';
