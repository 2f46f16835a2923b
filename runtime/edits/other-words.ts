/**
 * Priorities and classes of device that are others than those that ran. The rows of inboxes and the
 * cursors of devices have the numbers of priorities, records that are held the bits of classes, and
 * devices are registered by the names of classes: what has a place keeps it, with its name.
 */
import { RENO_CLASSES } from '../../core/device-classes.ts';
import { CarillonError } from '../../core/error.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import type { Applied } from './applied.ts';

/**
 * Throws CAR950, CAR370 when those that were are not the first of those that are. What was added
 * behind them, and weights, are free; a topology without lanes had none.
 */
export function refuseOtherWords(was: Applied | null, is: Applied): void {
  if (was === null || was.lanes.length === 0 || is.lanes.length === 0) return;
  const priorities = otherOf('priorities', namesOf(was), namesOf(is));
  if (priorities !== undefined) {
    const what = `${priorities}, and what inboxes hold, and devices have seen, goes by this order.`;
    throw new CarillonError('CAR950', what, { where: { at: 'priorities' } });
  }
  const classes = otherOf('classes of device', classesOf(was), classesOf(is));
  if (classes === undefined) return;
  const what = `${classes}, and devices are registered, and records held, by these.`;
  throw new CarillonError('CAR370', what, { where: { at: 'device_classes' } });
}

function otherOf(
  what: string,
  before: readonly string[],
  now: readonly string[],
): string | undefined {
  const at = before.findIndex((name, i) => now[i] !== name);
  if (at < 0) return undefined;
  return `The ${what} were ${before.join(', ')}, and are ${now.join(', ')}: ${changeOf(before, now, at)}`;
}

const classesOf = ({ deviceClasses }: Applied): readonly string[] =>
  deviceClasses ?? RENO_CLASSES.names;
const namesOf = ({ priorities }: Applied): readonly string[] => priorities ?? RENO_PRIORITIES.names;

function changeOf(before: readonly string[], now: readonly string[], at: number): string {
  const [old, other] = [before[at]!, now[at]];
  if (now.includes(old)) return `"${old}" has another place`;
  if (other === undefined || before.includes(other)) return `"${old}" is gone`;
  return `"${old}" is called "${other}"`;
}
