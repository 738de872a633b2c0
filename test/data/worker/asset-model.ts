import type { Attachment } from '../../../src/data/model/attachment.ts';
import type { DataModel } from '../../../src/data/model/data-model.ts';
import type { Day } from '../../../src/data/model/day.ts';
import type { Location } from '../../../src/data/model/field-location.ts';
import { makeField, makeModel } from '../statements/open-data.ts';

const owner = makeModel('owner', [makeField('name', 'text')]);
const building = {
  ...makeModel(
    'building',
    [makeField('name', 'text'), makeField('photo', 'photo')],
    [{ name: 'owner', model: 'owner' }],
  ),
  hasMany: [{ name: 'assets', model: 'asset', inverseOf: 'building' }],
};
const asset = makeModel(
  'asset',
  [
    makeField('make', 'text'),
    makeField('count', 'integer'),
    makeField('price', 'number'),
    makeField('bought', 'date'),
    makeField('seen_at', 'datetime'),
    makeField('active', 'boolean'),
    makeField('condition', 'single-choice', ['good', 'bad']),
    makeField('tags', 'multiple-choice', ['red', 'green', 'blue']),
    makeField('grade', 'single-choice-integer', [1, 2, 30]),
    makeField('days', 'multiple-choice-integer', [1, 2, 3]),
    makeField('place', 'location'),
    makeField('manual', 'attachment'),
  ],
  [
    { name: 'building', model: 'building' },
    { name: 'spare', model: 'asset' },
  ],
);

/** A model with a field of every type, belongs-to, has-many, and a model with no field at all. */
export const assetModel: DataModel = { models: [asset, building, owner, makeModel('marker', [])] };

export interface AssetDb {
  readonly asset: Collection<Asset>;
  readonly building: Collection<Building>;
  readonly owner: Collection<Owner>;
  readonly marker: Collection<Stored>;
  readonly Batch: new () => BatchOf;
}

export interface Stored {
  readonly id: string;
  save(options?: { readonly ifUnchanged?: boolean }): Promise<void>;
  reload(): Promise<void>;
  destroy(): Promise<void>;
  toJSON(): Record<string, unknown>;
}

export interface Asset extends Stored {
  make: string | null;
  count: number | null;
  price: number | null;
  bought: Day | null;
  seen_at: Date | null;
  active: boolean | null;
  condition: string | null;
  tags: readonly string[] | null;
  grade: number | null;
  days: readonly number[] | null;
  place: Location | null;
  manual: Attachment | null;
  building_id: string | null;
  spare_id: string | null;
  readonly building: BelongsTo<Building>;
  readonly spare: BelongsTo<Asset>;
}

export interface Building extends Stored {
  name: string | null;
  photo: Attachment | null;
  owner_id: string | null;
  readonly owner: BelongsTo<Owner>;
  readonly assets: QueryOf<Asset>;
}

export interface Owner extends Stored {
  name: string | null;
}

interface BelongsTo<Other> {
  (): Promise<Other | null>;
  (other: Other | null): void;
}

export interface Collection<Of> {
  create(attributes?: Readonly<Record<string, unknown>>): Of;
  first(...given: readonly unknown[]): Promise<Of | null>;
  increment(id: unknown, amounts?: unknown): Promise<Readonly<Record<string, number>>>;
  all(): QueryOf<Of>;
  where(expression: string, ...args: readonly unknown[]): QueryOf<Of>;
}

export interface QueryOf<Of> extends AsyncIterable<Of> {
  where(expression: string, ...args: readonly unknown[]): QueryOf<Of>;
  orderBy(...fields: readonly string[]): QueryOf<Of>;
  limit(count: number): QueryOf<Of>;
  skip(count: number): QueryOf<Of>;
  include(...paths: readonly string[]): QueryOf<Of>;
  toArray(): Promise<Of[]>;
  first(): Promise<Of | null>;
  count(): Promise<number>;
  destroyAll(): Promise<number>;
  forEach(work: (object: Of, index: number) => unknown): Promise<void>;
}

export interface BatchOf {
  save(object: Stored, options?: { readonly ifUnchanged?: boolean }): void;
  increment(of: unknown, ...given: readonly unknown[]): void;
  destroy(object: Stored): void;
  scheduleTask(options: Readonly<Record<string, unknown>>): void;
  execute(): Promise<{
    readonly scheduled: readonly { readonly id: string }[];
    readonly incremented: readonly Readonly<Record<string, number>>[];
  }>;
}
