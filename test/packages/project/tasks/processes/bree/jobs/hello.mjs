import { parentPort } from 'node:worker_threads';

parentPort.postMessage('hello from a job');
setInterval(() => undefined, 1000);
