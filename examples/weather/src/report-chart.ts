import { scaleBand, scaleLinear } from 'd3-scale';
import type { ScaleBand, ScaleLinear } from 'd3-scale';
import { area, curveMonotoneX, line } from 'd3-shape';
import type { Month } from './month.ts';

const width = 960;
const margin = { left: 66, right: 20 };
const panel = { title: 46, temperature: 150, gap: 26, rain: 96, axis: 30, space: 22 };
const panelHeight = panel.title + panel.temperature + panel.gap + panel.rain + panel.axis + panel.space;

const style = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #5b6472 }
.place { font-size: 17px; font-weight: 650; fill: #1c2430 }
.what { font-size: 11.5px }
.grid { stroke: #e6e9ee; shape-rendering: crispEdges }
.zero { stroke: #b9c0cb; shape-rendering: crispEdges }
.band { fill: #f4b183; fill-opacity: .38 }
.high { fill: none; stroke: #d1495b; stroke-width: 2 }
.low { fill: none; stroke: #2e86ab; stroke-width: 2 }
.bar { fill: #4f8fc4 }
.bar:hover { fill: #1f5f99 }
`;

interface Scales {
  readonly x: ScaleBand<string>;
  readonly temperature: ScaleLinear<number, number>;
  readonly rain: ScaleLinear<number, number>;
}

/** An SVG that stands alone: for each place a panel with the monthly temperatures above the monthly precipitation, all on the same scales. */
export function drawChart(months: readonly Month[]): string {
  const places = [...Map.groupBy(months, (month) => month.location)];
  const scales = makeScales(months);
  const panels = places.map(
    ([place, own], index) => `<g transform="translate(0,${index * panelHeight})">${drawPanel(place, own, scales)}</g>`,
  );
  const height = places.length * panelHeight;
  const label = `Monthly temperatures and precipitation in ${places.map(([place]) => place).join(' and ')}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(label)}">` +
    `<style>${style}</style><rect width="${width}" height="${height}" fill="#fff"/>${panels.join('')}</svg>\n`
  );
}

function makeScales(months: readonly Month[]): Scales {
  const names = [...new Set(months.map((month) => month.month))].sort();
  const top = panel.title + panel.temperature + panel.gap;
  return {
    x: scaleBand(names, [margin.left, width - margin.right])
      .paddingInner(0.22)
      .paddingOuter(0.1),
    temperature: scaleLinear(
      [Math.min(0, ...months.map(meanLow)), Math.max(...months.map(meanHigh))],
      [panel.title + panel.temperature, panel.title],
    ).nice(5),
    rain: scaleLinear([0, Math.max(...months.map((month) => month.precipitation / 10))], [top + panel.rain, top]).nice(
      4,
    ),
  };
}

function drawPanel(place: string, months: readonly Month[], scales: Scales): string {
  const { x, temperature, rain } = scales;
  const middle = (month: Month): number => (x(month.month) ?? 0) + x.bandwidth() / 2;
  const curve = line<Month>().curve(curveMonotoneX).x(middle);
  const band = area<Month>()
    .curve(curveMonotoneX)
    .x(middle)
    .y0((month) => temperature(meanLow(month)))
    .y1((month) => temperature(meanHigh(month)));
  return [
    `<text class="place" x="${margin.left}" y="22">${escapeXml(place)}</text>`,
    drawLegend(),
    drawGrid(temperature, { count: 5, unit: '°C' }),
    drawGrid(rain, { count: 3, unit: 'mm' }),
    `<path class="band" d="${band(months) ?? ''}"/>`,
    `<path class="high" d="${curve.y((month) => temperature(meanHigh(month)))(months) ?? ''}"/>`,
    `<path class="low" d="${curve.y((month) => temperature(meanLow(month)))(months) ?? ''}"/>`,
    ...months.map((month) => drawBar(month, scales)),
    drawYears(x),
  ].join('');
}

function drawBar(month: Month, { x, rain }: Scales): string {
  const amount = month.precipitation / 10;
  const [bottom = 0] = rain.range();
  const tip = `${month.month}: ${amount.toFixed(1)} mm on ${month.wetDays} days, ${meanLow(month).toFixed(1)} to ${meanHigh(month).toFixed(1)} °C`;
  return `<rect class="bar" x="${round(x(month.month) ?? 0)}" y="${round(rain(amount))}" width="${round(x.bandwidth())}" height="${round(bottom - rain(amount))}" rx="1.5"><title>${escapeXml(tip)}</title></rect>`;
}

function drawGrid(
  scale: ScaleLinear<number, number>,
  { count, unit }: { readonly count: number; readonly unit: string },
): string {
  const ticks = scale.ticks(count);
  return ticks
    .map((tick) => {
      const y = Math.round(scale(tick));
      const text = tick === ticks.at(-1) ? `${tick} ${unit}` : String(tick);
      return (
        `<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}"/>` +
        `<text x="${margin.left - 8}" y="${y + 4}" text-anchor="end">${text}</text>`
      );
    })
    .join('');
}

function drawYears(x: ScaleBand<string>): string {
  const y = panelHeight - panel.space - panel.axis;
  return x
    .domain()
    .filter((month) => month.endsWith('-01'))
    .map((month) => {
      const at = round((x(month) ?? 0) - (x.step() - x.bandwidth()) / 2);
      return `<line class="zero" x1="${at}" x2="${at}" y1="${y}" y2="${y + 7}"/><text x="${at + 6}" y="${y + 19}">${month.slice(0, 4)}</text>`;
    })
    .join('');
}

function drawLegend(): string {
  const entries = [
    { mark: '<line class="high" x1="0" x2="16" y1="-4" y2="-4"/>', text: 'mean daily high' },
    { mark: '<line class="low" x1="0" x2="16" y1="-4" y2="-4"/>', text: 'mean daily low' },
    { mark: '<rect class="bar" width="10" height="10" x="3" y="-9" rx="1.5"/>', text: 'precipitation' },
  ];
  return entries
    .map(
      ({ mark, text }, index) =>
        `<g transform="translate(${width - margin.right - 360 + index * 128},22)">${mark}<text class="what" x="22">${text}</text></g>`,
    )
    .join('');
}

function meanHigh(month: Month): number {
  return month.tempMaxSum / month.days / 10;
}

function meanLow(month: Month): number {
  return month.tempMinSum / month.days / 10;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
