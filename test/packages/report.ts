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
  const time = (ms: number | null): string => (ms === null ? '' : `${Math.round(ms).toLocaleString('en')} ms`);
  const rows = all.map(({ kind, name, verdict, deployMs, runMs, plainMs, detail }) => `| ${kind} | ${name.replaceAll('_', ' ')} | ${verdict}${verdict === 'works' || detail === null ? '' : `: ${short(detail)}`} | ${time(deployMs)} | ${time(runMs)} | ${time(plainMs)} |`);
  const count = (verdict: Tried['verdict']): number => all.filter((tried) => tried.verdict === verdict).length;
  const date = new Date().toISOString().slice(0, 10);
  const head = `Tried on ${date} with Node ${process.version}: ${all.length} tasks, of which ${count('works')} work as in plain Node, ${count('differs') + count('fails')} do not, ${count('fails in plain Node')} fail in plain Node as well, and ${count('untried')} could not be tried.`;
  const table = ['| kind | packages | as a task | deploy | run | plain Node |', '| --- | --- | --- | ---: | ---: | ---: |', ...rows].join('\n');
  writeFileSync(page, `${before}${marks.begin}\n${head}\n\n${table}\n${marks.end}${after}`);
}

function short(detail: string): string {
  const line = (detail.split('\n')[0] ?? '').replaceAll('|', '\\|').replaceAll(process.cwd(), '…');
  return line.length > 160 ? `${line.slice(0, 160)}…` : line;
}
