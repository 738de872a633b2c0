import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { mergeMonths, splitIntoMonths, summariseMonth } from '../../examples/weather/src/month.ts';
import { drawChart } from '../../examples/weather/src/report-chart.ts';
import { countDays, findWeatherFile, readDays } from '../../examples/weather/src/weather-file.ts';

const repository = path.join(import.meta.dirname, '..', '..');
const example = path.join(repository, 'examples', 'weather');
const weatherFile = findWeatherFile(example);

/** The truth, computed from the file in another way than the example does: by splitting lines and adding decimals. */
async function readTruth() {
  const [, ...lines] = (await readFile(weatherFile, 'utf8')).trim().split('\n');
  const truth = new Map<string, { days: number; millimetres: number; highest: number; lowest: number }>();
  for (const line of lines) {
    const [location = '', date = '', millimetres, high, low] = line.split(',');
    const key = `${location} ${date.slice(0, 7)}`;
    const month = truth.get(key) ?? { days: 0, millimetres: 0, highest: -Infinity, lowest: Infinity };
    month.days += 1;
    month.millimetres += Number(millimetres);
    month.highest = Math.max(month.highest, Number(high));
    month.lowest = Math.min(month.lowest, Number(low));
    truth.set(key, month);
  }
  return { rows: lines.length, months: truth };
}

describe('the weather example computes from the file what is in it', () => {
  for (const rowsPerPiece of [29, 300, 1461, 5000]) {
    it(`in pieces of ${rowsPerPiece} rows`, async () => {
      const truth = await readTruth();
      const rows = await countDays(weatherFile);
      assert.equal(rows, truth.rows);
      const partials = [];
      for (let offset = 0; offset < rows; offset += rowsPerPiece) {
        const days = await readDays(weatherFile, { offset, limit: rowsPerPiece });
        assert.equal(days.length, Math.min(rowsPerPiece, rows - offset));
        partials.push(...splitIntoMonths(days).map(summariseMonth));
      }
      const months = mergeMonths(partials);
      assert.equal(months.length, truth.months.size);
      for (const month of months) {
        const expected = truth.months.get(`${month.location} ${month.month}`);
        assert.deepEqual(
          {
            days: month.days,
            millimetres: (month.precipitation / 10).toFixed(1),
            highest: month.tempHighest / 10,
            lowest: month.tempLowest / 10,
          },
          { ...expected, millimetres: expected?.millimetres.toFixed(1) },
          `${month.location} ${month.month}`,
        );
      }
      assert.equal(drawChart(months).match(/<rect class="bar" x="[^"]+" y=/g)?.length, months.length);
    });
  }
});

describe('npm start', () => {
  let folder = '';
  const started: Started[] = [];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'weather-'));
    const leaveOut = new Set(['output', '.cloudcode', 'node_modules'].map((name) => path.join(example, name)));
    await cp(example, folder, { recursive: true, filter: (source) => !leaveOut.has(source) });
    await symlink(path.join(repository, 'node_modules'), path.join(folder, 'node_modules'));
  });

  after(async () => {
    for (const start of started) killTree(start.pid);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const start = (variables: Record<string, string> = {}): Started => {
    const one = startExample(folder, variables);
    started.push(one);
    return one;
  };

  it(
    'finishes an import that kill -9 has ended twice, with nothing lost or doubled, and sends the report by SMTP',
    { timeout: 240_000 },
    async () => {
      const first = start();
      const [, importId = ''] = await first.says(/New import (\S+)/);
      await first.says(/piece [1-9]\d* of/);
      killTree(first.pid);

      const second = start();
      assert.equal((await second.says(/Going on with import ([^,\s]+)/))[1], importId);
      await second.says(/piece (?:[6-9]|10) of/);
      killTree(second.pid);

      await using mailbox = await openMailbox();
      const third = start({ SMTP_URL: mailbox.url });
      await third.says(/until Ctrl-C/);
      assert.match(third.output(), new RegExp(`Going on with import ${importId}`));
      await checkReport(folder);
      assert.equal(new Set(mailbox.messageIds).size, 1, mailbox.messageIds.join());
      assert.match(mailbox.messageIds[0] ?? '', new RegExp(importId));

      third.interrupt();
      assert.equal(await third.ended, 0);
    },
  );

  it(
    'starts a new import when the last one is over, writes the mail to a file, and ends with status 0 on Ctrl-C',
    { timeout: 120_000 },
    async () => {
      await rm(path.join(folder, 'output', 'report.html'), { force: true });
      const fresh = start();
      const [, importId = ''] = await fresh.says(/New import (\S+)/);
      await fresh.says(/until Ctrl-C/);
      await checkReport(folder);
      assert.ok((await readdir(path.join(folder, 'output', 'mail'))).includes(`report-${importId}.eml`));
      assert.match(fresh.output(), /summarise_month +104 +104/);

      const second = start();
      await second.says(/A server of an earlier start runs at/);
      await second.says(/until Ctrl-C/);
      second.interrupt();
      assert.equal(await second.ended, 0);

      fresh.interrupt();
      assert.equal(await fresh.ended, 0);
      assert.equal(treeOf(fresh.pid).length, 0);
    },
  );

  it('says so and fails when its server dies', { timeout: 60_000 }, async () => {
    const one = start();
    await one.says(/Serving at/);
    for (const pid of treeOf(one.pid).filter((each) => each !== one.pid)) send(pid, 'SIGKILL');
    assert.equal(await one.ended, 1);
    assert.match(one.output(), /The server has ended with SIGKILL/);
  });
});

/** The report's own tables against the truth. */
async function checkReport(folder: string): Promise<void> {
  const truth = await readTruth();
  const page = await readFile(path.join(folder, 'output', 'report.html'), 'utf8');
  const found = new Map<string, string[]>();
  for (const [, place = '', table = ''] of page.matchAll(/<h3>([^<]+)<\/h3>(<table class="month">.*?<\/table>)/gs)) {
    for (const [, row = ''] of table.matchAll(/<tr>(<td>.*?)<\/tr>/g)) {
      const cells = [...row.matchAll(/<td>([^<]*)<\/td>/g)].map(([, cell = '']) => cell);
      found.set(`${place} ${cells[0] ?? ''}`, cells);
    }
  }
  assert.deepEqual([...found.keys()].sort(), [...truth.months.keys()].sort());
  let rows = 0;
  for (const [key, expected] of truth.months) {
    const [, days, , millimetres, , , lowest, highest] = found.get(key) ?? [];
    rows += Number(days);
    assert.deepEqual(
      [days, millimetres, lowest, highest],
      [
        String(expected.days),
        `${expected.millimetres.toFixed(1)} mm`,
        `${expected.lowest.toFixed(1)} °C`,
        `${expected.highest.toFixed(1)} °C`,
      ],
      key,
    );
  }
  assert.equal(rows, truth.rows);
  assert.ok((await readFile(path.join(folder, 'output', 'report.svg'), 'utf8')).startsWith('<svg '));
}

interface Started {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  /** Resolves with the match once the output has it; rejects when the process ends without having said it. */
  says(pattern: RegExp): Promise<RegExpMatchArray>;
  output(): string;
  interrupt(): void;
}

function startExample(folder: string, variables: Record<string, string>): Started {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(process.execPath, ['start.mjs', '--port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SMTP_URL: '', ...variables },
  });
  let output = '';
  let isOver = false;
  const ended = once(child, 'close').then(([status]: unknown[]) => {
    isOver = true;
    return typeof status === 'number' ? status : null;
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const says = async (pattern: RegExp): Promise<RegExpMatchArray> => {
    const signal = AbortSignal.timeout(60_000);
    for (;;) {
      const match = pattern.exec(output);
      if (match !== null) return match;
      if (isOver || signal.aborted) throw new Error(`it has not said ${String(pattern)}:\n${output}`);
      await Promise.race([once(child.stdout, 'data', { signal }).catch(() => undefined), ended]);
    }
  };
  return { pid: child.pid ?? 0, ended, says, output: () => output, interrupt: () => child.kill('SIGINT') };
}

/** The process and all that it has started, and what those have. */
function treeOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const tree = table.some(([each]) => each === pid) ? [pid] : [];
  for (const parent of tree) tree.push(...table.flatMap(([each = 0, ppid]) => (ppid === parent ? [each] : [])));
  return tree;
}

/** SIGKILL to every process of the tree. They are stopped first: a parent that is killed loses its children from the table. */
function killTree(pid: number): void {
  let tree = treeOf(pid);
  for (let known = -1; tree.length > known; tree = treeOf(pid)) {
    known = tree.length;
    tree.forEach((each) => send(each, 'SIGSTOP'));
  }
  tree.forEach((each) => send(each, 'SIGKILL'));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

/** A real SMTP server on loopback that keeps the Message-ID of what it accepts. */
async function openMailbox() {
  const messageIds: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, _session, done) {
      let mail = '';
      stream.setEncoding('utf8').on('data', (text: string) => {
        mail += text;
      });
      stream.on('end', () => {
        messageIds.push(/^Message-ID: (.*)$/im.exec(mail)?.[1] ?? 'none');
        done();
      });
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the SMTP server has no port');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    messageIds,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(resolve);
      }),
  };
}
