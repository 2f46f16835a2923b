import type { ErrorEntry } from './error-entry.ts';

/** 36x: streams that begin with a clock. */
export const CLOCK_ERRORS = {
  CAR360: {
    slug: 'not-a-cron',
    what: 'A text is no cron expression of five fields.',
    mend: 'Write minute, hour, day of month, month and day of week: cron: "0 8 * * MON-FRI".',
  },
  CAR361: {
    slug: 'never-ticks',
    what: 'A cron expression names a time that never comes.',
    mend: 'Name a day that its month has: "0 8 L 2 *" is the last day of February.',
  },
  CAR362: {
    slug: 'each-row-without-clock',
    what: 'each_row stands where not every partition has the record that it stands behind.',
    mend: 'Put it into a stream that begins with a clock, ahead of any rekey: only ticks come to every partition.',
  },
  CAR363: {
    slug: 'each-row-of-whole-table',
    what: 'each_row walks a table of which each process holds all rows.',
    mend: 'Declare the table once more without `whole`, and walk that.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
