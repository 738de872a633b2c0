import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, resultOf } from '../client/backend.ts';
import { CloudCodeError } from '../engine/core/errors.ts';
import { severalAtOnce } from '../engine/operations/several-at-once.ts';
import type { PackedDeployment, PartToSend } from '../main/packed-deployment.ts';
import { deployments, type SentDeployment } from '../service/api/deployments.ts';

interface Sending {
  readonly dryRun: boolean;
  readonly cancelRemoved: boolean;
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

const sentAtOnce = 3;
/** What is pruned between two questions is sent again. */
const maxRounds = 3;
const tries = 6;
const firstPauseMs = 250;
const tellEveryMs = 1_000;

/**
 * Sends the parts of a deployment that the server does not have, and has it deployed. A dry run sends nothing but the description.
 * @returns null when the signal ended it before there was anything to deploy
 * @throws CloudCodeError of the deployment, `server_unreachable`
 */
export async function sendDeployment(
  backend: Backend,
  { manifest, parts }: PackedDeployment,
  { dryRun, cancelRemoved, signal, onStep }: Sending,
): Promise<SentDeployment | null> {
  const sent = new Set<string>();
  for (let round = 1; ; round += 1) {
    if (!dryRun) for (const hash of await sendMissing(backend, { manifest, parts }, { signal, onStep })) sent.add(hash);
    if (signal.aborted) return null;
    try {
      const body = { manifest, dryRun, cancelRemoved };
      const done = await resultOf(backend.follow(deployments.create, { body }, signal), onStep);
      return done === null ? null : withNews(done, manifest, sent);
    } catch (error) {
      if (!(error instanceof CloudCodeError) || error.code !== 'parts_missing' || round === maxRounds) throw error;
    }
  }
}

async function sendMissing(
  backend: Backend,
  { manifest, parts }: PackedDeployment,
  { signal, onStep }: Pick<Sending, 'signal' | 'onStep'>,
): Promise<readonly string[]> {
  onStep('asking what the server has already');
  const bundles = manifest.tasks.map(({ bundle }) => bundle.hash);
  const contents = [...manifest.packages.contents, ...(manifest.files === null ? [] : [manifest.files])];
  const body = { bundles, contents: contents.map(({ hash }) => hash) };
  // A server that cannot be reached is told at once; one that goes away from here on is waited for.
  const missing = await backend.call(deployments.missing, { body });
  const wanted = new Set([...missing.bundles, ...missing.contents]);
  const toSend = parts.filter(({ hash }) => wanted.has(hash));
  const total = toSend.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  let tellAt = performance.now();
  await severalAtOnce(toSend.entries(), sentAtOnce, async ([index, part]) => {
    if (signal.aborted) return;
    if (performance.now() >= tellAt) {
      onStep(`sending ${part.name}: ${index} of ${toSend.length} parts, ${inMb(done)} of ${inMb(total)} MB`);
      tellAt = performance.now() + tellEveryMs;
    }
    await sendPart(backend, part, signal);
    done += part.bytes;
  });
  return toSend.map(({ hash }) => hash);
}

/** What was sent is what the server did not have; it finds all there when it deploys. */
function withNews(
  done: SentDeployment,
  { tasks, packages: { contents }, files }: PackedDeployment['manifest'],
  sent: ReadonlySet<string>,
): SentDeployment {
  if (done.deployed === null) return done;
  const { code, packages, files: carried } = done.deployed;
  const added = (parts: readonly { readonly name: string; readonly bytes: number; readonly hash: string }[]) =>
    parts.filter(({ hash }) => sent.has(hash)).map(({ name, bytes }) => ({ name, bytes }));
  const deployed = {
    ...done.deployed,
    code: { ...code, added: added(tasks.map(({ name, bundle }) => ({ name, ...bundle }))) },
    packages: { ...packages, added: added(contents) },
    files: { ...carried, added: files === null ? [] : added([files]) },
  };
  return { ...done, deployed };
}

/** A part of which an upload is gone is sent from its beginning. */
async function sendPart(backend: Backend, part: PartToSend, signal: AbortSignal): Promise<void> {
  for (let round = 1; ; round += 1) {
    const { id: upload } = await again(signal, () => backend.call(deployments.beginUpload, {}));
    try {
      let number = 0;
      const completed = await part.pack(async (piece) => {
        const body = new Uint8Array(piece);
        await again(signal, () => backend.call(deployments.putPiece, { upload, number: String(number), body }));
        number += 1;
      });
      await again(signal, async () => {
        if (completed.kind === 'bundle')
          await backend.call(deployments.completeBundle, { upload, body: completed.body });
        else await backend.call(deployments.completeContent, { upload, body: completed.body });
      });
      return;
    } catch (error) {
      if (!(error instanceof CloudCodeError) || error.code !== 'upload_not_found' || round === maxRounds) throw error;
    }
  }
}

/** A server that restarts, or whose database is away, is asked again: what is stored twice is stored once. */
async function again<Result>(signal: AbortSignal, ask: () => Promise<Result>): Promise<Result> {
  for (let tried = 1, pauseMs = firstPauseMs; ; tried += 1, pauseMs *= 2) {
    try {
      return await ask();
    } catch (error) {
      const code = error instanceof CloudCodeError ? error.code : null;
      const mayPass = code === 'server_unreachable' || code === 'database_unreachable';
      if (!mayPass || tried === tries || signal.aborted) throw error;
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

function inMb(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
