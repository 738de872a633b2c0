import type { SourceImport } from './source-imports.ts';

/** The files that reach each other, each circle once: its files in order, with a blank between them. Tarjan's strongly connected components. */
export function findCircles(imports: readonly SourceImport[]): readonly string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to, isFile } of imports) if (isFile) targets.set(from, [...(targets.get(from) ?? []), to]);
  const orders = new Map<string, number>();
  const path: string[] = [];
  const circles: string[] = [];
  const visit = (file: string): number => {
    const order = orders.size;
    let low = order;
    orders.set(file, order);
    path.push(file);
    for (const next of targets.get(file) ?? []) {
      if (!orders.has(next)) low = Math.min(low, visit(next));
      else if (path.includes(next)) low = Math.min(low, orders.get(next) ?? low);
    }
    if (low === order) {
      const circle = path.splice(path.indexOf(file));
      if (circle.length > 1 || targets.get(file)?.includes(file) === true) circles.push(circle.sort().join(' '));
    }
    return low;
  };
  for (const file of targets.keys()) if (!orders.has(file)) visit(file);
  return circles.sort();
}
