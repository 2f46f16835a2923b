/** What an edit does to the clocks of a topology, in words. */
import type { AppliedClock, ClockBegin, ClockEdit } from './clock-edits.ts';
import type { EditLine } from './words.ts';

export function clockLines(
  edits: readonly ClockEdit[],
  begins: readonly ClockBegin[],
): readonly EditLine[] {
  return edits.map((edit) => {
    const { how, was, is } = edit;
    const begin = begins.find((one) => one.edit === edit);
    const name = (is ?? was)!.name;
    return { of: 'clock', name, how, what: wordsOf(edit, begin) };
  });
}

function wordsOf({ how, was, is, begins }: ClockEdit, begin: ClockBegin | undefined): string {
  const first = begin === undefined ? '' : `; first at ${timeOf(begin.nextMs)}`;
  switch (how) {
    case 'starts':
      return `${planOf(is!)}, from now on${first}`;
    case 'keeps':
      return planOf(is!);
    case 'ends':
      return `it was ${planOf(was!)}`;
    case 'changed': {
      const missed = was!.missed === is!.missed ? '' : `; missed ${was!.missed} → ${is!.missed}`;
      if (!begins) return `${planOf(is!)}, its position stays${missed}`;
      return `${planOf(was!)} → ${planOf(is!)}, from now on${first}${leftOf(begin)}${missed}`;
    }
  }
}

const planOf = ({ cron, zone }: AppliedClock) => `${cron} in ${zone}`;

const timeOf = (ms: number) =>
  Number.isFinite(ms) ? new Date(ms).toISOString().replace(':00.000Z', 'Z') : 'no time';

/** What the former plan would have told when it came to it. */
function leftOf(begin: ClockBegin | undefined): string {
  const left = begin?.left ?? 0;
  if (left === 0) return '';
  return `; ${left} planned ${left === 1 ? 'time' : 'times'} of before, missed so far, will not be told`;
}
