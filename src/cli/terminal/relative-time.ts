const units = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1000 },
] as const;

/** `in 5 min`, `3 s ago`, `now`. */
export function relativeTime(iso: string, now: number): string {
  const difference = Date.parse(iso) - now;
  if (Math.abs(difference) < 1000) return 'now';
  const length = roughly(Math.abs(difference));
  return difference > 0 ? `in ${length}` : `${length} ago`;
}

/** `850 ms`, `3.2 s`, `5 min 10 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const index = units.findIndex((unit) => ms >= unit.ms);
  const [larger, smaller] = [units[index], units[index + 1]];
  if (larger === undefined || smaller === undefined) return roughly(ms);
  const rest = Math.floor((ms % larger.ms) / smaller.ms);
  return `${Math.floor(ms / larger.ms)} ${larger.name}${rest === 0 ? '' : ` ${rest} ${smaller.name}`}`;
}

function roughly(ms: number): string {
  const unit = units.find((each) => ms >= each.ms) ?? { name: 's', ms: 1000 };
  const count = Math.floor(ms / unit.ms);
  return unit.name === 'd' && count > 730 ? `${Math.floor(count / 365.25)} years` : `${count} ${unit.name}`;
}
