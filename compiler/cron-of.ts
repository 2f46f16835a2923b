/** A period as a cron expression, for who thinks of a clock as "every five minutes". */

const PERIOD = /^(?:every )?(\d{1,4}) ?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)$/i;
const ISO = /^PT?(\d{1,4})([SMHDW])$/;
/** How many of a unit make one of the next; a period that does not divide it has no expression. */
const WITHIN: { readonly [unit: string]: number } = { m: 60, h: 24 };
const SECONDS = 60;

/** `5m` as `*\/5 * * * *`, `1d` as midnight; undefined: no expression has that period. */
export function cronOf(text: string): string | undefined {
  const match = PERIOD.exec(text.trim()) ?? ISO.exec(text.trim());
  if (match === null) return undefined;
  let count = Number(match[1]);
  let unit = match[2]![0]!.toLowerCase();
  if (unit === 's' && count % SECONDS === 0) [count, unit] = [count / SECONDS, 'm'];
  for (const [of, next] of [
    ['m', 'h'],
    ['h', 'd'],
  ] as const) {
    const most = WITHIN[of]!;
    if (unit === of && count > 0 && count % most === 0) [count, unit] = [count / most, next];
  }
  if (count === 1 && unit === 'd') return '0 0 * * *';
  if ((count === 1 && unit === 'w') || (count === 7 && unit === 'd')) return '0 0 * * 1';
  if (count < 1 || (WITHIN[unit] ?? 1) % count !== 0 || WITHIN[unit] === undefined)
    return undefined;
  const every = count === 1 ? '*' : `*/${count}`;
  return unit === 'm' ? `${every} * * * *` : `0 ${every} * * *`;
}
