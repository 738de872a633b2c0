import { XmlElement, XmlText } from '@rgrove/parse-xml';
import type { Report, Where } from '../model/data-model-draft.ts';
import { suggest } from '../../engine/core/suggest.ts';
import type { XmlFile } from './parse-xml.ts';

/** An element that schema.xml may have, in a place where it may be. */
export interface SchemaElement {
  readonly where: Where;
  readonly kind: ElementKind;
  /** What was written there; null when it was left out. */
  readonly attribute: (name: string) => string | null;
  /** Without the white space around it, in one line; empty where there can be none. */
  readonly text: string;
  readonly children: (kind: ElementKind) => readonly SchemaElement[];
}

interface Grammar {
  readonly attributes: readonly string[];
  readonly children: readonly string[];
  readonly hasText?: true;
  /** The attribute that tells one from another, in messages. */
  readonly known: string | null;
}

const grammar = {
  'data-model': { attributes: [], children: ['model'], known: null },
  model: {
    attributes: ['name', 'label', 'renamed-from'],
    children: ['field', 'belongs-to', 'has-many', 'index', 'display', 'webhook'],
    known: 'name',
  },
  field: { attributes: ['name', 'label', 'type', 'renamed-from'], children: ['option'], known: 'name' },
  option: { attributes: ['key'], children: [], hasText: true, known: 'key' },
  'belongs-to': { attributes: ['model', 'name', 'renamed-from'], children: [], known: 'model' },
  'has-many': { attributes: ['model', 'name', 'inverse-of'], children: [], known: 'name' },
  index: { attributes: ['on', 'name'], children: [], known: 'on' },
  display: { attributes: [], children: [], hasText: true, known: null },
  webhook: { attributes: ['type', 'name', 'receiver', 'action'], children: [], known: 'name' },
} as const satisfies Record<string, Grammar>;

export type ElementKind = keyof typeof grammar;

interface Reading {
  readonly file: string;
  readonly lineOf: XmlFile['lineOf'];
  readonly report: Report;
}

/** The root element with all that is known in it; what is not known is reported. null when the root is another one. */
export function readElements(file: string, { root, lineOf }: XmlFile, report: Report): SchemaElement | null {
  if (root.name === 'data-model') return readElement(root, 'data-model', { file, lineOf, report });
  report(whereOf(root, { file, lineOf, report }), 'the root element must be <data-model>.');
  return null;
}

function readElement(element: XmlElement, kind: ElementKind, reading: Reading): SchemaElement {
  const where = whereOf(element, reading);
  const rules: Grammar = grammar[kind];
  for (const name of Object.keys(element.attributes)) {
    if (!rules.attributes.includes(name))
      reading.report(where, `unknown attribute ${JSON.stringify(name)}.`, hintFor(name, rules.attributes));
  }
  if (rules.hasText === undefined) refuseText(element, where, reading.report);
  const children = element.children
    .filter((child) => child instanceof XmlElement)
    .flatMap((child) => {
      const childKind = elementKinds.find((known) => known === child.name && rules.children.includes(known));
      if (childKind !== undefined) return [readElement(child, childKind, reading)];
      refuseElement(child, { kind, known: rules.children }, reading);
      return [];
    });
  return {
    where,
    kind,
    attribute: (name) => element.attributes[name] ?? null,
    text: rules.hasText === undefined ? '' : onOneLine(element.text),
    children: (wanted) => children.filter((child) => child.kind === wanted),
  };
}

function onOneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
}

const elementKinds = Object.keys(grammar) as readonly ElementKind[];

function refuseText(element: XmlElement, where: Where, report: Report): void {
  const text = element.children
    .flatMap((child) => (child instanceof XmlText ? [child.text.trim()] : []))
    .find((found) => found !== '');
  if (text !== undefined)
    report(where, `it holds text, ${JSON.stringify(shorten(text))}, where only elements and attributes can be.`);
}

function refuseElement(
  element: XmlElement,
  parent: { readonly kind: ElementKind; readonly known: readonly string[] },
  reading: Reading,
): void {
  const where = whereOf(element, reading);
  const isKnown = elementKinds.some((known) => known === element.name);
  if (isKnown)
    reading.report(
      where,
      `<${element.name}> cannot be in <${parent.kind}>.`,
      `It belongs into <${holderOf(element.name)}>.`,
    );
  else reading.report(where, `unknown element <${element.name}>.`, hintFor(element.name, parent.known));
}

function holderOf(name: string): string {
  return elementKinds.find((kind) => (grammar[kind].children as readonly string[]).includes(name)) ?? 'data-model';
}

function hintFor(name: string, known: readonly string[]): string | undefined {
  const nearest = suggest(name, known);
  if (nearest !== null) return `Did you mean \`${nearest}\`?`;
  return known.length === 0
    ? 'There is none that it could have.'
    : `There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}.`;
}

/** `schema.xml:14: <option key="good"> of field condition of model asset`. */
function whereOf(element: XmlElement, { file, lineOf }: Reading): Where {
  const holders: string[] = [];
  for (
    let holder = element.parent;
    holder instanceof XmlElement && holder.name !== 'data-model';
    holder = holder.parent
  ) {
    holders.push(` of ${holder.name} ${shorten(nameOf(holder) ?? 'without a name')}`);
  }
  const line = lineOf(element);
  const known = knownBy(element);
  const name = nameOf(element);
  return {
    text: `${file}:${line}: <${element.name}${name === null ? '' : ` ${known}=${JSON.stringify(shorten(name))}`}>${holders.join('')}`,
    order: element.start,
  };
}

function nameOf(element: XmlElement): string | null {
  return element.attributes[knownBy(element)] ?? null;
}

function knownBy({ name }: XmlElement): string {
  const kind = elementKinds.find((known) => known === name);
  return (kind === undefined ? null : grammar[kind].known) ?? 'name';
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
