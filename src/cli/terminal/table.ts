import { displayWidth, fitText } from './display-width.ts';

export interface Cell {
  /** Visible text, escaped already. */
  readonly text: string;
  readonly paint?: (text: string) => string;
}

export interface Column {
  readonly title: string;
  readonly alignRight?: boolean;
  /** May be cut to fit the terminal. */
  readonly canShrink?: boolean;
}

export interface Table {
  header(paint: (text: string) => string): string;
  row(cells: readonly Cell[]): string;
}

const gap = '  ';
const narrowest = 8;

/**
 * Lays out a table by its first rows. `width` is the terminal's; null for no terminal: nothing is cut then.
 */
export function layOutTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | null,
): Table {
  const natural = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => displayWidth(row[index]?.text ?? ''))),
  );
  const widths = width === null ? natural : shrink(columns, natural, width);
  const line = (cells: readonly Cell[]): string => {
    const shown = columns.map((column, index) => {
      const { text, paint = (same: string) => same } = cells[index] ?? { text: '' };
      const columnWidth = widths[index] ?? 0;
      const fitted = width === null ? text : fitText(text, columnWidth);
      const pad = ' '.repeat(Math.max(0, columnWidth - displayWidth(fitted)));
      const painted = fitted === '' ? '' : paint(fitted);
      const isLast = index === columns.length - 1;
      return column.alignRight === true ? pad + painted : painted + (isLast ? '' : pad);
    });
    return shown.join(gap).trimEnd();
  };
  return { row: line, header: (paint) => line(columns.map(({ title }) => ({ text: title, paint }))) };
}

/** Takes what is too much from the widest columns that can shrink, a column of the terminal at a time. */
function shrink(columns: readonly Column[], natural: readonly number[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, 0) + gap.length * (columns.length - 1) - width;
  for (; excess > 0; excess -= 1) {
    const candidates = columns.flatMap((column, index) =>
      column.canShrink === true && (widths[index] ?? 0) > narrowest ? [index] : [],
    );
    const [widest] = candidates.sort((left, right) => (widths[right] ?? 0) - (widths[left] ?? 0));
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
