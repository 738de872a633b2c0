import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { displayWidth, fitText } from '../../src/cli/terminal/display-width.ts';
import { escapeConsoleLine, escapeText } from '../../src/cli/terminal/escape-text.ts';
import { duration, relativeTime } from '../../src/cli/terminal/relative-time.ts';
import { layOutTable } from '../../src/cli/terminal/table.ts';

describe('CLI: what people see', () => {
  const now = Date.parse('2026-03-01T09:00:00.000Z');
  const times = [
    ['2026-03-01T09:00:00.900Z', 'now'],
    ['2026-03-01T08:59:57.000Z', '3 s ago'],
    ['2026-03-01T09:05:00.000Z', 'in 5 min'],
    ['2026-03-01T11:59:59.000Z', 'in 2 h'],
    ['2026-02-26T09:00:00.000Z', '3 d ago'],
    ['9999-12-31T23:59:59.999Z', 'in 7973 years'],
  ] as const;
  for (const [iso, shown] of times) it(`${iso} is ${shown}`, () => assert.equal(relativeTime(iso, now), shown));

  const durations = [
    [0, '0 ms'],
    [850.4, '850 ms'],
    [3_249, '3.2 s'],
    [310_000, '5 min 10 s'],
    [120_000, '2 min'],
    [7_500_000, '2 h 5 min'],
    [90_000_000, '1 d 1 h'],
  ] as const;
  for (const [ms, shown] of durations) it(`${ms} ms is ${shown}`, () => assert.equal(duration(ms), shown));

  it('names show what a terminal would act on', () => {
    assert.equal(
      escapeText('a\u001b[31m\n\t\r\u0000\u0085\u202e\u200b é 😀'),
      'a\\e[31m\\n\\t\\r\\u{0}\\u{85}\\u{202e}\\u{200b} é 😀',
    );
  });

  it("a task's console keeps colours and tabs, and nothing else that moves a cursor", () => {
    assert.equal(escapeConsoleLine('\u001b[1;31mred\u001b[2J\tx'), '\u001b[1;31mred\\e[2J\tx\u001b[0m');
    assert.equal(escapeConsoleLine('plain'), 'plain');
  });

  it('knows how wide text is, and cuts it to fit', () => {
    assert.deepEqual(['abc', '中文', '😀', 'e\u0301', '👩‍👩‍👧'].map(displayWidth), [3, 4, 2, 1, 2]);
    assert.equal(fitText('中文字', 5), '中文…');
    assert.equal(fitText('中文字', 6), '中文字');
    assert.equal(displayWidth(fitText('中文字', 4)), 3);
  });

  it('a table is fitted to the terminal by cutting what may be cut, and not cut without one', () => {
    const columns = [{ title: 'ID' }, { title: 'NAME', canShrink: true }, { title: 'N', alignRight: true }];
    const rows = [
      ['0123456789', 'x'.repeat(40), '5'],
      ['1', '中'.repeat(30), '100'],
    ].map((row) => row.map((text) => ({ text })));
    const narrow = layOutTable(columns, rows, 40);
    const lines = [narrow.header((text) => text), ...rows.map((row) => narrow.row(row))];
    assert.ok(
      lines.every((line) => displayWidth(line) <= 40),
      lines.join('\n'),
    );
    assert.match(lines[1] ?? '', /^0123456789 {2}x{22}… {4}5$/);
    assert.match(lines[2] ?? '', /^1 {11}中{11}… {2}100$/);
    assert.ok(
      layOutTable(columns, rows, null)
        .row(rows[0] ?? [])
        .includes('x'.repeat(40)),
    );
  });
});
