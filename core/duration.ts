/** Durations as people write them: `500ms`, `10s`, `2m`, `24h`, `7d`. A bare number is an error. */
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds, or undefined when the text is not a whole or decimal number with a unit. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null) return undefined;
  const ms = Number(match[1]) * UNITS[match[2]!]!;
  return Number.isInteger(ms) ? ms : undefined;
}

/** The shortest form: 120000 → `2m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = UNITS[unit]!;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

/** For people to read: whole units of the largest that fits, 2591999967 → `30d`. */
export function roundedDuration(ms: number): string {
  const size = Math.max(1, ...Object.values(UNITS).filter((unit) => unit <= ms));
  return formatDuration(Math.round(ms / size) * size);
}
