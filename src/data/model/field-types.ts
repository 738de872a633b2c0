import { type Attachment } from './attachment.ts';
import {
  checkAttachment,
  checkBoolean,
  checkChoice,
  checkChoices,
  checkDay,
  checkInteger,
  checkNumber,
  checkText,
  checkTime,
  type Choice,
  isDayText,
  isTimeText,
  type RefuseValue,
} from './check-values.ts';
import { Day } from './day.ts';
import {
  isReadableLocation,
  type Location,
  locationFromWire,
  locationToWire,
  type WireLocation,
} from './field-location.ts';
import { chosen, equality, listed, type Operator, operators, ordered } from './operators.ts';

/** A checked value, which nobody changes: as it travels, but for a file, which stays an Attachment until its bytes are needed. */
export type FieldWire = string | number | boolean | null | readonly (string | number)[] | WireLocation | Attachment;

/** A value as a task sees it. */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | Day
  | Date
  | Attachment
  | Location
  | readonly (string | number)[];

/** What is known besides a value that is assigned to a field. */
export interface Assigned {
  readonly options: readonly Choice[];
  /** What the object has already: of a choice that is taken too, whatever the options are now. */
  readonly held: FieldWire;
  readonly refuse: RefuseValue;
}

/** What a field of a type is to a task. How it is stored is in data/statements/columns.ts. */
export interface TypeOfField {
  /** Checks a value that is assigned and not null, and takes a copy of it. @throws what `refuse` makes */
  readonly toWire: (value: unknown, assigned: Assigned) => FieldWire;
  /** The value that a task sees: a copy, or one that cannot be changed. Not of null. */
  readonly fromWire: (wire: FieldWire) => FieldValue;
  /** Whether a stored value that is not null is one of the type, and can be read. */
  readonly isReadable: (wire: unknown) => boolean;
  /** What its values are compared with in conditions; null: with null alone. */
  readonly comparedWith: 'text' | 'number' | 'boolean' | 'day' | 'time' | null;
  readonly operators: readonly Operator[];
  readonly isIndexable: boolean;
  /** How many of the field's options a value names; null for a type without options. */
  readonly choice: 'one' | 'many' | null;
  /** Whether its values have bytes that are read by themselves. */
  readonly isFile: boolean;
  /** In TypeScript; null: that of its options. */
  readonly typeScript: string | null;
}

type Plain = string | number | boolean | Attachment;

const simple = {
  fromWire: (wire) => wire as Plain,
  isReadable: () => true,
  operators: ordered,
  isIndexable: true,
  choice: null,
  isFile: false,
} as const satisfies Partial<TypeOfField>;

const isNumber = (wire: unknown): boolean => typeof wire === 'number';

const choiceOfOne = {
  ...simple,
  toWire: (value, { options, held, refuse }) => (value === held ? held : checkChoice(value, options, refuse)),
  choice: 'one',
  typeScript: null,
} as const satisfies Partial<TypeOfField>;

const choiceOfMany = {
  ...simple,
  toWire: (value, { options, held, refuse }) =>
    checkChoices(value, options, { held: Array.isArray(held) ? (held as readonly (string | number)[]) : [], refuse }),
  fromWire: (wire) => Object.freeze([...(wire as readonly (string | number)[])]),
  operators: chosen,
  choice: 'many',
  typeScript: null,
} as const satisfies Partial<TypeOfField>;

const storedFile = {
  ...simple,
  toWire: (value, { refuse }) => checkAttachment(value, refuse),
  comparedWith: null,
  operators: equality,
  isIndexable: false,
  isFile: true,
  typeScript: 'Attachment',
} as const satisfies TypeOfField;

/** The one place that says what types of fields there are; in this order people are told of them. */
export const typesOfFields = {
  text: {
    ...simple,
    toWire: (value, { refuse }) => checkText(value, refuse),
    comparedWith: 'text',
    operators,
    typeScript: 'string',
  },
  integer: {
    ...simple,
    toWire: (value, { refuse }) => checkInteger(value, refuse),
    isReadable: isNumber,
    comparedWith: 'number',
    typeScript: 'number',
  },
  number: {
    ...simple,
    toWire: (value, { refuse }) => checkNumber(value, refuse),
    isReadable: isNumber,
    comparedWith: 'number',
    typeScript: 'number',
  },
  date: {
    ...simple,
    toWire: (value, { refuse }) => checkDay(value, refuse),
    fromWire: (wire) => new Day(wire as string),
    isReadable: isDayText,
    comparedWith: 'day',
    typeScript: 'Day',
  },
  datetime: {
    ...simple,
    toWire: (value, { refuse }) => checkTime(value, refuse),
    fromWire: (wire) => new Date(wire as string),
    isReadable: isTimeText,
    comparedWith: 'time',
    typeScript: 'Date',
  },
  boolean: {
    ...simple,
    toWire: (value, { refuse }) => checkBoolean(value, refuse),
    comparedWith: 'boolean',
    operators: listed,
    typeScript: 'boolean',
  },
  'single-choice': { ...choiceOfOne, comparedWith: 'text' },
  'single-choice-integer': { ...choiceOfOne, comparedWith: 'number' },
  'multiple-choice': { ...choiceOfMany, comparedWith: 'text' },
  'multiple-choice-integer': { ...choiceOfMany, comparedWith: 'number' },
  location: {
    ...simple,
    toWire: (value, { refuse }) => locationToWire(value, refuse),
    fromWire: (wire) => locationFromWire(wire as WireLocation),
    isReadable: isReadableLocation,
    comparedWith: null,
    operators: equality,
    isIndexable: false,
    typeScript: 'Location',
  },
  attachment: storedFile,
  photo: storedFile,
  signature: storedFile,
} as const satisfies Readonly<Record<string, TypeOfField>>;

export type FieldType = keyof typeof typesOfFields;

export const fieldTypes = Object.keys(typesOfFields) as readonly FieldType[];
export const choiceTypes = fieldTypes.filter((type) => typesOfFields[type].choice !== null);
