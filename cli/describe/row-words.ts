/** What a row of the picture says before and behind its steps. */
import type { DescribedStream } from './description.ts';

export type Label = readonly [words: string, style: 'name' | 'mono' | 'small'];

/** What stands before the steps of a row. */
export function labelsOf({ name, part, topic, clock, streams, when }: DescribedStream): Label[] {
  const from = clock === null ? topic : `clock ${clock.cron} ${clock.zone}`;
  const labels: Label[] = [
    [part === null ? name : `${name} behind ${part}`, 'name'],
    [from ?? `from ${streams.join(', ')}`, 'mono'],
  ];
  if (when !== null) labels.push([`when ${shortened(when)}`, 'small']);
  return labels;
}

const LABEL_CHARS_MAX = 46;

const shortened = (words: string) =>
  words.length <= LABEL_CHARS_MAX ? words : `${words.slice(0, LABEL_CHARS_MAX - 1)}…`;

/** Topics that are no lanes stand in the row, as they are one stream's alone. */
export function ownTargets({ lane, to, branches }: DescribedStream): readonly string[] {
  if (lane !== null) return [];
  if (to.length > 0) return to;
  return branches.length === 0
    ? [`${ONWARD} streams`]
    : branches.map((of) => `${ONWARD} ${of.name}`);
}

/** Before what is no topic. */
export const ONWARD = '→';
