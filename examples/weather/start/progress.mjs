// What is shown while the import works: one live line on a terminal, a plain line for each change elsewhere.
import { setTimeout as sleep } from 'node:timers/promises';
import { readProgress, readRuns } from './import.mjs';

const pollMs = 200;
const maxFailures = 25;

/** Resolves to the import's runs when the last of them is over. */
export async function followImport(api, importId, signal) {
  const began = Date.now();
  const show = process.stdout.isTTY ? showLive : showPlain();
  let failures = 0;
  try {
    for (;; await sleep(pollMs, undefined, { signal })) {
      const runs = await readRuns(api, importId).catch((error) => {
        failures += 1; // a busy moment is no reason to stop watching; a server that stays away is
        if (failures > maxFailures) throw error;
      });
      if (runs === undefined) continue;
      failures = 0;
      const progress = readProgress(runs);
      show(progress, Date.now() - began);
      if (progress.isOver) return runs;
    }
  } finally {
    if (process.stdout.isTTY) process.stdout.write('\n');
  }
}

function showLive(progress, elapsedMs) {
  const columns = process.stdout.columns || 80;
  const line = ` ${bar(progress)}  ${describe(progress)} · ${(elapsedMs / 1000).toFixed(1)} s`;
  process.stdout.write(`\r\x1b[2K${line.slice(0, columns - 1)}`);
}

function showPlain() {
  let last = '';
  return (progress) => {
    // A line for each piece is enough where lines are kept.
    const key = [progress.pieces, progress.report, progress.mail, progress.broken.length].join();
    if (key !== last) console.log(`  ${describe(progress)}`);
    last = key;
  };
}

function describe({ pieces, piecesInAll, months, monthsSoFar, report, mail, broken }) {
  return [
    `piece ${pieces} of ${piecesInAll ?? '?'}`,
    `month ${months} of ${monthsSoFar}${pieces === piecesInAll ? '' : ' so far'}`,
    `report ${report}`,
    ...(mail === 'sent' ? ['mail sent'] : []),
    ...(broken.length > 0 ? [`${broken.length} failed`] : []),
  ].join(' · ');
}

/** Full when every piece has been read and every month known has been summed up. */
function bar({ pieces, piecesInAll, months, monthsSoFar }) {
  const width = 24;
  const read = piecesInAll === undefined ? 0 : pieces / piecesInAll;
  const summed = monthsSoFar === 0 ? 0 : months / monthsSoFar;
  const full = Math.round(read * summed * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
