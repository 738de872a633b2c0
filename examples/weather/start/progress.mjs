// What is shown while the import works: one live line on a terminal, a plain line for each change elsewhere.
import { setTimeout as sleep } from 'node:timers/promises';
import { readProgress, readRuns } from './import.mjs';

const pollMs = 200;
const maxFailures = 25;
const barWidth = 24;

/** Resolves to the import's runs when the last of them is finished. */
export async function followImport(api, importId, signal) {
  const began = Date.now();
  const show = process.stdout.isTTY ? showLive() : showPlain();
  let failures = 0;
  try {
    for (; ; await sleep(pollMs, undefined, { signal })) {
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

function showLive() {
  let fullest = 0;
  return (progress, elapsedMs) => {
    // Each piece adds months to do; a bar that goes back for it would tell less.
    fullest = Math.max(fullest, shareDone(progress));
    const full = Math.round(fullest * barWidth);
    const line = ` ${'█'.repeat(full)}${'░'.repeat(barWidth - full)}  ${describe(progress)} · ${(elapsedMs / 1000).toFixed(1)} s`;
    process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns || 80) - 1)}`);
  };
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

/** 1 when every piece has been read and every month known has been summed up. */
function shareDone({ pieces, piecesInAll, months, monthsSoFar }) {
  const read = piecesInAll === undefined ? 0 : pieces / piecesInAll;
  return monthsSoFar === 0 ? 0 : read * (months / monthsSoFar);
}
