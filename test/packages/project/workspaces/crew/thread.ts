import { parentPort, workerData } from 'node:worker_threads';
import semver from 'semver';
import { suffix } from './suffix.ts';

parentPort?.postMessage(`${String(semver.inc(workerData as string, 'minor'))}${suffix}`);
