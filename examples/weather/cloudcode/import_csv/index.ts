import path from 'node:path';
import { CloudCode } from 'cloudcode';
import { importFolder, readJson, writeJson } from '../../src/import-folder.ts';
import type { PieceRecord } from '../../src/import-folder.ts';
import { partialName, splitIntoMonths } from '../../src/month.ts';
import { countDays, findWeatherFile, readDays } from '../../src/weather-file.ts';

const defaultRowsPerPiece = 300;

interface Parameters {
  /** Names this import in everything it writes; the id of the first run when left out. */
  readonly importId?: string;
  readonly piece?: number;
  readonly pieces?: number;
  readonly rowsPerPiece?: number;
}

/** Works through one piece of the file, then schedules itself for the next one, so that no run comes near its time limit. */
export async function run(parameters: Parameters = {}) {
  const importId = parameters.importId ?? CloudCode.run.id;
  const { piece = 0, rowsPerPiece = defaultRowsPerPiece } = parameters;
  const file = findWeatherFile(process.cwd());
  const pieces = parameters.pieces ?? Math.ceil((await countDays(file)) / rowsPerPiece);

  // A run may be tried again after all its work was done. The record is written last: where it is, there is nothing left to hand on,
  // and a second run of the same piece ends here instead of starting a second chain.
  const recordFile = path.join(importFolder(importId), 'pieces', `${piece}.json`);
  const record = await readJson<PieceRecord>(recordFile);
  if (record !== undefined) {
    console.log(`piece ${piece + 1} of ${pieces} was handed on before`);
    return { importId, piece, pieces, rows: record.rows, months: record.partials.length };
  }

  const days = await readDays(file, { offset: piece * rowsPerPiece, limit: rowsPerPiece });
  const months = splitIntoMonths(days).map((monthDays) => ({
    importId,
    partial: partialName(piece, monthDays),
    days: monthDays,
  }));

  // Fan out: without a queue, these runs overlap.
  await Promise.all(months.map((month) => CloudCode.scheduleTask({ task: 'summarise_month', parameters: month })));

  // Go on: in the queue, so that the next piece starts after this run's process is gone.
  if (piece + 1 < pieces) {
    await CloudCode.scheduleTask({
      task: 'import_csv',
      parameters: { importId, piece: piece + 1, pieces, rowsPerPiece },
      queue: 'import',
    });
  } else {
    await CloudCode.scheduleTask({ task: 'write_report', parameters: { importId, pieces }, queue: 'report' });
  }

  await writeJson(recordFile, {
    rows: days.length,
    partials: months.map((month) => month.partial),
  } satisfies PieceRecord);
  console.log(`piece ${piece + 1} of ${pieces}: ${days.length} rows, ${months.length} months to summarise`);
  return { importId, piece, pieces, rows: days.length, months: months.length };
}
