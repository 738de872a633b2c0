import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CloudCodeError } from '../../core/errors.ts';
import { buildProject } from '../build-project.ts';
import { onBuildStep } from '../build-steps.ts';
import { readConfig } from '../config.ts';
import { onFileRead } from '../read-files.ts';
import { type BuildMessage, encodeMessage, messageDescriptor } from './messages.ts';

// The process of one build: builds the project of a folder, or reads its configuration alone, tells what it is at and what came of it, and ends.

const [folder = '', parentPid = '', part = '', cache] = process.argv.slice(2);

/** Written before it returns: what comes next may never give the process back. */
function send(message: BuildMessage): void {
  const bytes = encodeMessage(message);
  for (let written = 0; written < bytes.length;) written += writeSync(messageDescriptor, bytes, written);
}

// A busy loop would outlive a parent that was killed: a thread ends it, and with it all that it has started.
new Worker(`setInterval(() => process.ppid === ${Number(parentPid)} || process.kill(-process.pid, 'SIGKILL'), 500);`, { eval: true }).unref();
onBuildStep(send);
const files = new Set<string>();
onFileRead((file) => files.add(file));
const sendFiles = (): void => send({ kind: 'files', files: [...files] });
try {
  if (part === 'configuration') send({ kind: 'read', config: await readConfig(folder) });
  else {
    const { tasks, ...project } = await buildProject(folder, { brokenTasks: part === 'good_tasks' ? 'pass_over' : 'refuse', cache: cache ?? null });
    sendFiles();
    for (const task of tasks) send({ kind: 'task', task });
    send({ kind: 'built', project });
  }
} catch (error) {
  sendFiles();
  if (error instanceof CloudCodeError) send({ kind: 'refused', code: error.code, message: error.message, hint: error.hint });
  else send({ kind: 'failed', message: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? error.stack : undefined });
}
// What the project's own configuration has begun and not ended does not matter any more.
process.exit();
