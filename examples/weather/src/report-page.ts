import type { Month } from './month.ts';
import { mergeMonths } from './month.ts';
import { escapeXml } from './report-chart.ts';

/** The report: one HTML file that needs nothing else, neither a network nor a script. */
export function renderPage(
  months: readonly Month[],
  { svg, importId }: { readonly svg: string; readonly importId: string },
): string {
  const places = [...Map.groupBy(months, (month) => month.location)];
  const names = places.map(([place]) => place).join(' and ');
  const days = sum(months, (month) => month.days);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weather in ${escapeXml(names)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>Weather in ${escapeXml(names)}</h1>
<p>${escapeXml(spanOf(months))} · ${days.toLocaleString('en')} daily observations in ${months.length} months</p>
</header>
<section class="tiles">${places.map(([place, own]) => renderTiles(place, own)).join('')}</section>
<figure>${svg.trim()}<figcaption>Point at a bar for the month’s figures.</figcaption></figure>
<section><h2>Year by year</h2><div class="years">${renderTable(
    places.flatMap(([, own]) => mergeYears(own)),
    'Year',
  )}</div></section>
<section><h2>Month by month</h2><div class="months">${places.map(([place, own]) => `<div><h3>${escapeXml(place)}</h3>${renderTable(own, 'Month')}</div>`).join('')}</div></section>
<footer>Import <code>${escapeXml(importId)}</code>. Daily observations by NOAA, from the npm package vega-datasets (weather.csv).</footer>
</main>
</body>
</html>
`;
}

/** The report in a few lines, for the body of a mail. */
export function describeInText(months: readonly Month[]): string {
  const lines = [...Map.groupBy(months, (month) => month.location)].map(([place, own]) => {
    const year = sum(own, (month) => month.precipitation) / 10 / (own.length / 12);
    return `${place}: ${Math.round(year)} mm a year, wettest month ${wettest(own).month} (${millimetres(wettest(own))}), hottest day ${degrees(hottest(own).tempHighest)} in ${hottest(own).month}.`;
  });
  return ['The weather report is ready; it is attached.', '', ...lines, ''].join('\n');
}

function renderTiles(place: string, months: readonly Month[]): string {
  const perYear = Math.round(sum(months, (month) => month.precipitation) / 10 / (months.length / 12));
  const wet = Math.round((sum(months, (month) => month.wetDays) / sum(months, (month) => month.days)) * 100);
  const facts = [
    [`${perYear.toLocaleString('en')} mm`, 'precipitation a year'],
    [`${wet} %`, 'of days with rain or snow'],
    [millimetres(wettest(months)), `wettest month, ${monthName(wettest(months).month)}`],
    [degrees(hottest(months).tempHighest), `hottest day, ${monthName(hottest(months).month)}`],
  ];
  const items = facts.map(
    ([value = '', meaning = '']) => `<li><strong>${escapeXml(value)}</strong><span>${escapeXml(meaning)}</span></li>`,
  );
  return `<div class="tile"><h2>${escapeXml(place)}</h2><ul>${items.join('')}</ul></div>`;
}

function renderTable(rows: readonly Month[], first: 'Month' | 'Year'): string {
  const head = [
    ...(first === 'Year' ? ['Place'] : []),
    first,
    'Days',
    'Wet days',
    'Precipitation',
    'Mean low',
    'Mean high',
    'Lowest',
    'Highest',
  ];
  const body = rows.map((row) => {
    const cells = [
      ...(first === 'Year' ? [row.location] : []),
      row.month,
      String(row.days),
      String(row.wetDays),
      millimetres(row),
      degrees(row.tempMinSum / row.days),
      degrees(row.tempMaxSum / row.days),
      degrees(row.tempLowest),
      degrees(row.tempHighest),
    ];
    return `<tr>${cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join('')}</tr>`;
  });
  return `<table class="${first.toLowerCase()}"><thead><tr>${head.map((name) => `<th>${name}</th>`).join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
}

/** The same sums over a year: a year is a long month whose name is `2012`. */
function mergeYears(months: readonly Month[]): Month[] {
  return mergeMonths(months.map((month) => ({ ...month, month: month.month.slice(0, 4) })));
}

function wettest(months: readonly Month[]): Month {
  return months.reduce((best, month) => (month.precipitation > best.precipitation ? month : best));
}

function hottest(months: readonly Month[]): Month {
  return months.reduce((best, month) => (month.tempHighest > best.tempHighest ? month : best));
}

function sum(months: readonly Month[], pick: (month: Month) => number): number {
  return months.reduce((total, month) => total + pick(month), 0);
}

function spanOf(months: readonly Month[]): string {
  const names = months.map((month) => month.month).sort();
  return `${monthName(names[0] ?? '')} to ${monthName(names.at(-1) ?? '')}`;
}

function monthName(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString('en', {
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
}

function millimetres(month: Month): string {
  return `${(month.precipitation / 10).toFixed(1)} mm`;
}

function degrees(tenths: number): string {
  return `${(tenths / 10).toFixed(1)} °C`;
}

const pageStyle = `
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6472; --line: #e3e7ed }
* { box-sizing: border-box }
body { margin: 0; background: #f4f6f9; color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 1040px; margin: 0 auto; padding: 40px 20px 56px }
h1 { font-size: 32px; line-height: 1.2; margin: 0; letter-spacing: -.02em }
h2 { font-size: 18px; margin: 0 0 12px }
h3 { font-size: 15px; margin: 0 0 8px }
header p { color: var(--soft); margin: 6px 0 24px }
figure, .years, .tile, .months > div { background: #fff; border: 1px solid var(--line); border-radius: 12px }
.tiles { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); margin-bottom: 16px }
.tile { padding: 18px 20px }
.tile ul { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: 1fr 1fr; gap: 14px 20px }
.tile strong { display: block; font-size: 22px; line-height: 1.2; letter-spacing: -.01em }
.tile span { color: var(--soft); font-size: 13px }
figure { margin: 0 0 32px; padding: 20px; overflow-x: auto }
figure svg { display: block; width: 100%; height: auto; min-width: 640px }
figcaption { color: var(--soft); font-size: 13px; padding: 4px 0 0 66px }
section { margin-bottom: 32px }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; overflow: hidden }
th, td { padding: 6px 12px; text-align: right; white-space: nowrap }
th { font-weight: 600; font-size: 12.5px; color: var(--soft); border-bottom: 1px solid var(--line) }
td { border-bottom: 1px solid #f0f2f5 }
tbody tr:last-child td { border-bottom: 0 }
tbody tr:hover { background: #f7f9fc }
th:first-child, td:first-child, .year th:nth-child(2), .year td:nth-child(2) { text-align: left }
.months { display: grid; gap: 16px }
.years { overflow-x: auto }
.months > div { padding: 16px 8px; overflow-x: auto }
.months h3 { padding: 0 12px }
footer { color: var(--soft); font-size: 13px }
`;
