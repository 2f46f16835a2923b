/** Numbers with a unit and bounds: durations, counts, sizes. */
import { formatDuration, parseDuration } from '../core/duration.ts';
import type { Report } from './report.ts';
import { emptyMend, isBlank } from './section.ts';
import type { ScalarTree } from './tree.ts';

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const BYTES_IN: { readonly [unit: string]: number } = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** Milliseconds; undefined when it was told why not. */
export function readDuration(
  report: Report,
  subject: string,
  tree: ScalarTree,
  bounds: Bounds,
): number | undefined {
  if (tree.told) return undefined;
  const text = String(tree.value);
  const ms = typeof tree.value === 'string' ? parseDuration(text) : undefined;
  if (ms === undefined) {
    const isNumber = /^\d+(\.\d+)?$/.test(text);
    const what = isNumber ? `${shown(tree)} has no unit.` : `${written(tree)} is not a duration.`;
    const mend = isNumber && !tree.expanded ? `write ${text}s.` : mendOf(tree, DURATIONS);
    report.error('CAR304', tree.span, `${subject}: ${what}`, mend);
    return undefined;
  }
  return within(report, subject, tree, bounds, ms, formatDuration);
}

/** A whole number. */
export function readCount(
  report: Report,
  subject: string,
  tree: ScalarTree,
  bounds: Bounds,
): number | undefined {
  const { value, told } = tree;
  if (told) return undefined;
  // What comes from the environment is always a text.
  const isText = tree.expanded && typeof value === 'string' && /^-?\d+(?:_\d+)*$/.test(value);
  const number = isText ? Number(value.replaceAll('_', '')) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    const what = typeof value === 'string' ? written(tree) : String(value);
    const isLarge = typeof number === 'number' && Number.isInteger(number);
    const why = isLarge ? 'beyond 2^53, where whole numbers are not exact' : 'not a whole number';
    const mend = mendOf(tree, 'Write 1000 or 1_000.');
    report.error('CAR303', tree.span, `${subject}: ${what} is ${why}.`, mend);
    return undefined;
  }
  return within(report, subject, tree, bounds, number, String);
}

/** Bytes. */
export function readBytes(
  report: Report,
  subject: string,
  tree: ScalarTree,
  bounds: Bounds,
): number | undefined {
  if (tree.told) return undefined;
  const text = String(tree.value);
  const match = /^(\d+(?:\.\d+)?)(B|KiB|MiB|GiB)$/.exec(text);
  const bytes = match === null ? Number.NaN : Number(match[1]) * BYTES_IN[match[2]!]!;
  if (!Number.isSafeInteger(bytes)) {
    const isNumber = /^\d+$/.test(text);
    const what = isNumber ? `${shown(tree)} has no unit.` : `${written(tree)} is not a size.`;
    report.error(
      'CAR307',
      tree.span,
      `${subject}: ${what}`,
      isNumber && !tree.expanded ? `write ${text}B.` : mendOf(tree, SIZES),
    );
    return undefined;
  }
  return within(report, subject, tree, bounds, bytes, (n) => `${n}B`);
}

const DURATIONS = 'Write 500ms, 30s, 2m, 24h or 7d.';
const SIZES = 'Write 512B, 64KiB or 1MiB.';

/** What comes from the environment is mended there; in quotes it is told as the file has it. */
export function mendOf(tree: ScalarTree, otherwise: string): string {
  const empty = emptyMend(tree);
  if (empty !== undefined) return empty;
  if (!tree.expanded) return otherwise;
  return `The variable in "${tree.value}" gives something else: set it to what is needed. ${otherwise}`;
}

/** In quotes it is told as the file has it, when it came from the environment. */
function shown(tree: ScalarTree): string {
  return tree.expanded ? `"${tree.value}"` : String(tree.value);
}

function written(tree: ScalarTree): string {
  return tree.expanded && isBlank(tree) ? 'a variable that gives nothing' : `"${tree.value}"`;
}

function within(
  report: Report,
  subject: string,
  tree: ScalarTree,
  { min, max }: Bounds,
  value: number,
  format: (value: number) => string,
): number | undefined {
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return value;
  const bound =
    min !== undefined && value < min ? `below ${format(min)}` : `above ${format(max ?? 0)}`;
  const mend =
    min !== undefined && max !== undefined
      ? `Write ${format(min)} to ${format(max)}.`
      : min !== undefined
        ? `Write at least ${format(min)}.`
        : `Write at most ${format(max ?? 0)}.`;
  report.error('CAR305', tree.span, `${subject}: ${format(value)} is ${bound}.`, mend);
  return undefined;
}
