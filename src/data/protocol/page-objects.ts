import type { SelectAnswer, WireObject, WireValue } from './data-messages.ts';

export interface Page {
  readonly objects: readonly WireObject[];
  /** Whether more may follow, though fewer came than were asked for. */
  readonly cut: boolean;
}

/** The objects of an answer, however they came. */
export function pageObjects(answer: SelectAnswer): Page {
  if ('objects' in answer) return { objects: answer.objects, cut: false };
  const { columns, cut } = answer;
  const objects: WireValue[][] = [];
  const count = columns[0]?.length ?? 0;
  for (let index = 0; index < count; index += 1) {
    const object: WireValue[] = [];
    for (const column of columns) object.push(column[index] ?? null);
    objects.push(object);
  }
  return { objects, cut };
}
