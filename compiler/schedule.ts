/**
 * When a clock ticks: a cron expression of five fields in a time zone. An answer depends on its
 * arguments, and on the version of the platform's time zones, alone.
 *
 * Where clocks are set on or back, an expression whose minutes and hours are numbers means one time
 * a day each: of a time that comes twice the first, of one that is skipped the end of the skip. One
 * with `*` or a step among them means a distance: what is skipped is not made up for, and an hour
 * that comes twice is told twice. So it is in Vixie cron.
 */
import { Cron } from 'croner';

export interface Schedule {
  readonly cron: string;
  readonly zone: string;
  /** The first planned time after an instant, epoch milliseconds; infinity: there is none. */
  next(afterMs: number): number;
}

const NICKNAME = /^@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)$/;
const FIELDS = 5;
const BEFORE_WHY = /^CronPattern: (?:Syntax error, )?/;

/** A text says why there is none. `zone`: one of the database. */
export function scheduleOf(cron: string, zone: string): Schedule | string {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== FIELDS && !NICKNAME.test(cron)) {
    const count = cron.trim() === '' ? 0 : fields.length;
    return `it has ${count} ${count === 1 ? 'field' : 'fields'}, not ${FIELDS}`;
  }
  try {
    const pattern = new Cron(cron, {
      mode: '5-part',
      timezone: zone,
      fixedTimeRule: 'no-wildcard',
      paused: true,
    });
    return {
      cron,
      zone,
      next: (afterMs) => pattern.nextRun(new Date(afterMs))?.getTime() ?? Number.POSITIVE_INFINITY,
    };
  } catch (error) {
    return error instanceof Error ? error.message.replace(BEFORE_WHY, '') : String(error);
  }
}
