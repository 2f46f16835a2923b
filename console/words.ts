/** Numbers and times as people read them. */

const UNITS: readonly (readonly [scale: number, unit: string])[] = [
  [1e3, 'k'],
  [1e6, 'M'],
  [1e9, 'G'],
];

/** 9999, 12.3k, 4.6M: five characters at most, up to 999G. */
export function shortCount(n: number): string {
  if (Math.round(n) < 10_000) return String(Math.round(n));
  // What would be rounded to 1000 of a unit is 1.0 of the next.
  const [scale, unit] = UNITS.find(([of]) => n / of < 999.5) ?? UNITS.at(-1)!;
  const scaled = n / scale;
  return `${scaled < 99.95 ? scaled.toFixed(1) : Math.round(scaled)}${unit}`;
}

/** Below ten with one digit after the point, so that slow flows are seen to move. */
export function shortRate(n: number): string {
  if (n === 0) return '0';
  if (n < 0.05) return '<0.1';
  return n < 9.95 ? n.toFixed(1) : shortCount(n);
}

const grouped = new Intl.NumberFormat('en-US');

export const longCount = (n: number): string => grouped.format(n);

/**
 * Milliseconds as 12 ms, 3.4 s, 5 min, 2 h, 3 d; beyond the last bucket of ages there is no number.
 */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return '> 5 min';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** 2026-01-01 00:00:00.000, UTC: one time for everybody who looks. */
export function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}

/** One line, as topologies write it: names without quotes. */
export function compact(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(compact).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${compact(field)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** `stale 12, duplicate 3`: most first, zeros left out. */
export function pairs(counts: { readonly [name: string]: number }): string {
  const list = Object.entries(counts).filter(([, n]) => n > 0);
  list.sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return list.map(([name, n]) => `${name} ${shortCount(n)}`).join(', ');
}
