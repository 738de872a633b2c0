import { isTimeText, type RefuseValue } from './check-values.ts';
import { describeValue } from '../../engine/core/parameters-json.ts';
import { suggest } from '../../engine/core/suggest.ts';

/** A place on earth: degrees, and metres. */
export interface Location {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude: number | null;
  readonly horizontal_accuracy: number | null;
  readonly vertical_accuracy: number | null;
  /** When the place was measured. */
  readonly timestamp: Date | null;
}

export type WireLocation = Omit<Location, 'timestamp'> & { readonly timestamp: string | null };

const parts = ['latitude', 'longitude', 'altitude', 'horizontal_accuracy', 'vertical_accuracy', 'timestamp'];

/** @throws what `refuse` makes */
export function locationToWire(value: unknown, refuse: RefuseValue): WireLocation {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse(
      `${describeValue(value)} is no location.`,
      'Assign an object such as { latitude: -33.92, longitude: 18.42 }.',
    );
  }
  const given = value as Record<string, unknown>;
  for (const part of Object.keys(given)) {
    if (parts.includes(part)) continue;
    const nearest = suggest(part, parts);
    throw refuse(
      `a location has no \`${part}\`.`,
      nearest === null ? `It has ${parts.join(', ')}.` : `Did you mean \`${nearest}\`?`,
    );
  }
  return {
    latitude: degrees(given, 'latitude', { max: 90, refuse }),
    longitude: degrees(given, 'longitude', { max: 180, refuse }),
    altitude: metres(given, 'altitude', refuse),
    horizontal_accuracy: metres(given, 'horizontal_accuracy', refuse),
    vertical_accuracy: metres(given, 'vertical_accuracy', refuse),
    timestamp: time(given['timestamp'], refuse),
  };
}

/** A location that cannot be changed: assign a new one instead. */
export function locationFromWire(wire: WireLocation): Location {
  return Object.freeze({ ...wire, timestamp: wire.timestamp === null ? null : new Date(wire.timestamp) });
}

/** See isReadable. */
export function isReadableLocation(wire: unknown): boolean {
  if (typeof wire !== 'object' || wire === null) return false;
  const { timestamp, ...numbers } = wire as Record<string, unknown>;
  const isWhole = typeof numbers['latitude'] === 'number' && typeof numbers['longitude'] === 'number';
  return (
    isWhole &&
    Object.values(numbers).every((number) => number === null || typeof number === 'number') &&
    (timestamp === null || isTimeText(timestamp))
  );
}

function degrees(
  given: Record<string, unknown>,
  part: string,
  { max, refuse }: { readonly max: number; readonly refuse: RefuseValue },
): number {
  const value = given[part];
  if (typeof value === 'number' && value >= -max && value <= max) return value === 0 ? 0 : value;
  throw refuse(`its ${part} is ${describeValue(value)}; it must be a number from -${max} to ${max}.`);
}

function metres(given: Record<string, unknown>, part: string, refuse: RefuseValue): number | null {
  const value = given[part] ?? null;
  if (value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value === 0 ? 0 : value;
  throw refuse(`its ${part} is ${describeValue(value)}; it must be a finite number or null.`);
}

function time(value: unknown, refuse: RefuseValue): string | null {
  if (value === undefined || value === null) return null;
  const isDate = Object.prototype.toString.call(value) === '[object Date]';
  const date = isDate ? new Date((value as Date).getTime()) : null;
  if (date !== null && !Number.isNaN(date.getTime()) && date.getUTCFullYear() >= 1 && date.getUTCFullYear() <= 9999)
    return date.toISOString();
  throw refuse(`its timestamp is ${describeValue(value)}; it must be a valid Date of the years 1 to 9999, or null.`);
}
