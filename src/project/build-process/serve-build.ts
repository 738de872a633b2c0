import { readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { buildProject } from '../build-project.ts';
import { onBuildStep } from '../build-steps.ts';
import { readConfig } from '../config.ts';
import type { ProjectExtension } from '../extension.ts';
import { onFileRead } from '../read-files.ts';
import { type BuildJob, type BuildMessage, encodeMessage, messageDescriptor } from './messages.ts';
import { warmUp } from './warm-up.ts';
import { messageOf } from '../../engine/core/thrown.ts';

/** The process of one build: builds the project of a folder, or reads its configuration alone, tells what it is at and what came of it, and ends. */
export async function serveBuild(extension: ProjectExtension): Promise<never> {
  const [parentPid = '', folder, cache] = process.argv.slice(2);

  // A busy loop would outlive a parent that was killed: a thread ends it, and with it all that it has started.
  new Worker(
    `setInterval(() => process.ppid === ${Number(parentPid)} || process.kill(-process.pid, 'SIGKILL'), 500);`,
    {
      eval: true,
    },
  ).unref();
  if (folder !== undefined && cache !== undefined) await warmUp(folder, cache);
  // It waits here for its job. Where there is none any more, nobody waits for it either.
  const text = readFileSync(0, 'utf8');
  if (text === '') process.exit();
  const job = JSON.parse(text) as BuildJob;
  onBuildStep(send);
  const files = new Set<string>();
  onFileRead((file) => files.add(file));
  const sendFiles = (): void => send({ kind: 'files', files: [...files] });
  try {
    if (job.kind === 'configuration') send({ kind: 'read', config: await readConfig(job.folder) });
    else {
      const { tasks, ...project } = await buildProject(job.folder, { ...job, extension });
      sendFiles();
      for (const task of tasks) send({ kind: 'task', task });
      send({ kind: 'built', project });
    }
  } catch (error) {
    sendFiles();
    if (error instanceof CloudCodeError)
      send({ kind: 'refused', code: error.code, message: error.message, hint: error.hint });
    else
      send({
        kind: 'failed',
        message: messageOf(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
  }
  // What the project's own configuration has begun and not ended does not matter any more.
  return process.exit();
}

/** Written before it returns: what comes next may never give the process back. */
function send(message: BuildMessage): void {
  const bytes = encodeMessage(message);
  for (let written = 0; written < bytes.length;) written += writeSync(messageDescriptor, bytes, written);
}
