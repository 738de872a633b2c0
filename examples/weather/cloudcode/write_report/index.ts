import path from 'node:path';
import { CloudCode } from 'cloudcode';
import { importFolder, readJson, writeJson, writeWhole } from '../../src/import-folder.ts';
import type { PieceRecord } from '../../src/import-folder.ts';
import { mergeMonths } from '../../src/month.ts';
import type { Month } from '../../src/month.ts';
import { drawChart } from '../../src/report-chart.ts';
import { describeInText, renderPage } from '../../src/report-page.ts';

const checkAgainMs = 500;
const maxChecks = 600;

interface Parameters {
  readonly importId: string;
  readonly pieces: number;
  readonly check?: number;
}

/** Makes the report once every month is there. Until then it does not sit and wait: it ends, and schedules itself for later. */
export async function run({ importId, pieces, check = 1 }: Parameters) {
  const folder = importFolder(importId);
  const doneFile = path.join(folder, 'report.json');
  const done = await readJson<{ report: string; days: number }>(doneFile);
  if (done !== undefined) {
    console.log(`the report of ${importId} was written before`);
    return done;
  }

  const { partials, rows, missing } = await readPartials(folder, pieces);
  if (missing.length > 0) {
    if (check >= maxChecks)
      throw new Error(
        `after ${check} checks there is still no ${missing.join(', ')}; see \`cloudcode runs --state dead\``,
      );
    await CloudCode.scheduleTask({
      task: 'write_report',
      parameters: { importId, pieces, check: check + 1 },
      after: checkAgainMs,
      queue: 'report',
    });
    console.log(
      `check ${check}: ${missing.length} still missing (${missing[0] ?? ''}${missing.length > 1 ? ', …' : ''})`,
    );
    return { waitingFor: missing.length };
  }

  const months = mergeMonths(partials);
  const days = months.reduce((total, month) => total + month.days, 0);
  if (days !== rows) throw new Error(`the months hold ${days} days, but the file had ${rows} rows`);

  const svg = drawChart(months);
  const page = renderPage(months, { svg, importId });
  const report = path.join('output', 'report.html');
  for (const target of [folder, 'output']) {
    await writeWhole(path.join(target, 'report.svg'), svg);
    await writeWhole(path.join(target, 'report.html'), page);
  }

  await CloudCode.scheduleTask({
    task: 'send_mail',
    parameters: {
      id: `report-${importId}`,
      subject: 'The weather report is ready',
      text: describeInText(months),
      attachments: ['report.html', 'report.svg'].map((filename) => ({ filename, path: path.join(folder, filename) })),
    },
    queue: 'mail',
  });
  await writeJson(doneFile, { report, days });
  console.log(`${report}: ${months.length} months, ${days} days`);
  return { report, days };
}

/** What the pieces have announced: the summaries that are there, and the names of those that are not yet. */
async function readPartials(folder: string, pieces: number) {
  const records = await Promise.all(
    Array.from({ length: pieces }, (_, piece) => readJson<PieceRecord>(path.join(folder, 'pieces', `${piece}.json`))),
  );
  const missing = records.flatMap((record, piece) => (record === undefined ? [`piece ${piece + 1}`] : []));
  const partials: Month[] = [];
  for (const name of records.flatMap((record) => record?.partials ?? [])) {
    const partial = await readJson<Month>(path.join(folder, 'partials', `${name}.json`));
    if (partial === undefined) missing.push(name);
    else partials.push(partial);
  }
  return { partials, missing, rows: records.reduce((total, record) => total + (record?.rows ?? 0), 0) };
}
