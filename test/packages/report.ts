import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tried } from './try-case.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'packages.md');
const marks = { begin: '<!-- begin of the table -->', end: '<!-- end of the table -->' };

/** Writes the table in docs/packages.md anew. */
export function writeReport(all: readonly Tried[]): void {
  const text = readFileSync(page, 'utf8');
  const [before = '', rest = ''] = text.split(marks.begin);
  const [, after = ''] = rest.split(marks.end);
  const [asModules, asCommonJs] = [
    all.filter(({ type }) => type === 'module'),
    all.filter(({ type }) => type === 'commonjs'),
  ];
  const head = `Tried on ${new Date().toISOString().slice(0, 10)} with Node ${process.version}: ${describe(asModules)}.`;
  const failing = asCommonJs
    .filter(({ verdict }) => verdict === 'fails' || verdict === 'differs')
    .map(({ kind, name, detail }) => `- ${kind}, ${readable(name)}: ${short(detail ?? '')}`);
  const commonJs =
    asCommonJs.length === 0
      ? []
      : [
          `In projects without \`"type": "module"\`: ${describe(asCommonJs)}.`,
          ...(failing.length === 0 ? [] : [failing.join('\n')]),
        ];
  writeFileSync(
    page,
    `${before}${marks.begin}\n${[head, ...commonJs, tableOf(asModules)].join('\n\n')}\n${marks.end}${after}`,
  );
}

function describe(all: readonly Tried[]): string {
  const count = (verdict: Tried['verdict']): number => all.filter((tried) => tried.verdict === verdict).length;
  return `${all.length} tasks, of which ${count('works')} work as in plain Node, ${count('differs') + count('fails')} do not, ${count('fails in plain Node')} fail in plain Node as well, and ${count('untried')} could not be tried`;
}

function tableOf(all: readonly Tried[]): string {
  const time = (ms: number | null): string => (ms === null ? '' : `${Math.round(ms).toLocaleString('en')} ms`);
  const rows = all.map(
    ({ kind, name, verdict, loaded, deployMs, runMs, plainMs, detail }) =>
      `| ${kind} | ${readable(name)} | ${verdict}${verdict === 'works' || detail === null ? '' : `: ${short(detail)}`} | ${loaded ?? ''} | ${time(deployMs)} | ${time(runMs)} | ${time(plainMs)} |`,
  );
  return [
    '| kind | packages | as a task | loaded | deploy | run | plain Node |',
    '| --- | --- | --- | --- | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

function readable(name: string): string {
  return name.replaceAll('_', ' ');
}

function short(detail: string): string {
  const line = (detail.split('\n')[0] ?? '').replaceAll('|', '\\|').replaceAll(process.cwd(), '…');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
