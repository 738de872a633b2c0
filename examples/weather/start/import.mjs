// One import: finding the one that a kill has left unfinished, starting a new one, and reading how far it is.
const finalStates = ['succeeded', 'failed', 'dead', 'cancelled'];

export const isFinal = (run) => finalStates.includes(run.state);

/** The import that still has runs to do, or else a new one. A run schedules its successor before it ends: so an unfinished import has always one. */
export async function openImport(api) {
  for (const state of ['running', 'queued', 'scheduled']) {
    for await (const run of api.listRuns({ state })) {
      const importId = importIdOf(run);
      if (importId !== undefined) return { importId, isNew: false };
    }
  }
  const importId = `weather-${new Date().toISOString().slice(0, 19).replaceAll(/[:T]/g, '-')}-${Math.random().toString(36).slice(2, 6)}`;
  await api.scheduleRun({ task: 'import_csv', parameters: { importId }, queue: 'import' });
  return { importId, isNew: true };
}

/** Every run of the import, newest first. */
export async function readRuns(api, importId) {
  const runs = [];
  for await (const run of api.listRuns()) {
    if (importIdOf(run) !== importId) continue;
    runs.push(run);
    if (run.task === 'import_csv' && !run.scheduledBy) break; // the first one: what is older belongs to other imports
  }
  return runs;
}

export function readProgress(runs) {
  const of = (task) => runs.filter((run) => run.task === task);
  const pieces = of('import_csv').filter((run) => run.state === 'succeeded');
  const months = of('summarise_month');
  const mail = of('send_mail');
  const broken = runs.filter((run) => isFinal(run) && run.state !== 'succeeded');
  return {
    pieces: new Set(pieces.map((run) => run.result.piece)).size,
    piecesInAll: pieces[0]?.result.pieces,
    months: months.filter((run) => run.state === 'succeeded').length,
    monthsSoFar: months.length,
    report: of('write_report').some((run) => run.result?.report)
      ? 'written'
      : of('write_report').length > 0
        ? 'waiting for months'
        : 'to come',
    mail: mail.some((run) => run.state === 'succeeded') ? 'sent' : 'to come',
    broken,
    // Pages are read one after the other, so "all final" alone could be two halves of different moments.
    isOver: runs.every(isFinal) && (mail.length > 0 || broken.length > 0),
  };
}

function importIdOf(run) {
  if (run.task === 'send_mail') return /^report-(.+)$/.exec(run.parameters?.id)?.[1];
  return run.parameters?.importId ?? (run.task === 'import_csv' ? run.id : undefined);
}
