// node bench/report/draw.ts FOLDER RESULTS.json …  draws a plot of each measurement's rates and times, and prints all figures as a table in Markdown.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../measurement.ts';
import { importPeer } from '../peers/import-peer.ts';
import type { Measured, Results } from './results.ts';

interface ECharts {
  readonly init: (
    element: null,
    theme: null,
    options: object,
  ) => { setOption(option: object): void; renderToSVGString(): string; dispose(): void };
}

const width = 860;
const barHeight = 22;
const drawnUnits = ['/s', 'ms', 'MiB'];

const [folder, ...files] = process.argv.slice(2);
if (folder === undefined || files.length === 0)
  throw new Error('Usage: node bench/report/draw.ts FOLDER RESULTS.json …');
const { init } = await importPeer<ECharts>('echarts');
mkdirSync(folder, { recursive: true });
for (const measured of newestOf(files)) {
  const drawn = measured.figures.filter(({ unit, value }) => drawnUnits.includes(unit) && Number.isFinite(value));
  if (drawn.length > 1) writeFileSync(join(folder, `${measured.name}.svg`), draw(measured.title, drawn));
  process.stdout.write(tableOf(measured));
}

/** Each measurement as the last of the files has it. */
function newestOf(paths: readonly string[]): readonly Measured[] {
  const byName = new Map<string, Measured>();
  for (const path of paths)
    for (const each of (JSON.parse(readFileSync(path, 'utf8')) as Results).measurements) byName.set(each.name, each);
  return [...byName.values()];
}

/** Bars on a logarithmic axis, because peers lie a hundredfold apart; CloudCode's stand out. */
function draw(title: string, figures: readonly Figure[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: 80 + figures.length * barHeight });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 8, top: 8, textStyle: { fontSize: 14 } },
    grid: { left: 320, right: 90, top: 40, bottom: 30 },
    xAxis: { type: 'log', splitLine: { lineStyle: { color: '#eeeeee' } } },
    yAxis: {
      type: 'category',
      inverse: true,
      data: figures.map(({ name }) => name.replaceAll('_', ' ')),
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        barWidth: 14,
        data: figures.map((figure) => ({
          value: figure.value,
          itemStyle: { color: isOurs(figure) ? '#2f6fde' : '#b8bec9' },
          label: { formatter: labelOf(figure) },
        })),
        label: { show: true, position: 'right' },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function isOurs({ name }: Figure): boolean {
  return !/bullmq|graphile|pg_boss|bare_node|fork|by_driver|_empty$/.test(name);
}

function labelOf({ value, unit }: Figure): string {
  return `${value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)} ${unit}`;
}

function tableOf({ title, figures }: Measured): string {
  const rows = figures.map(
    (figure) => `| ${figure.name.replaceAll('_', ' ')} | ${labelOf(figure).trim()} | ${goalOf(figure)} |`,
  );
  return `\n### ${title}\n\n| figure | median | goal |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function goalOf({ goal, value }: Figure): string {
  if (goal === undefined) return '';
  if ('atLeast' in goal) return `at least ${goal.atLeast}: ${value >= goal.atLeast ? 'reached' : '**missed**'}`;
  return `at most ${goal.atMost}: ${value <= goal.atMost ? 'reached' : '**missed**'}`;
}
