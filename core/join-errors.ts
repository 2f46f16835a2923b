/** What is wrong with a join in a topology file. */
import type { ErrorEntry } from './error-entry.ts';

export const JOIN_ERRORS = {
  CAR260: {
    slug: 'table-and-stream',
    what: 'A table that is joined and a stream read one topic.',
    mend: 'Read it as one of the two; or give the table a topic of its own.',
  },
  CAR261: {
    slug: 'devices-not-joined',
    what: 'A join names the table of the devices of members.',
    mend: 'Use fan_out, which makes one record for each device of a member.',
  },
  CAR262: {
    slug: 'table-not-whole',
    what: "A table of the engine's own is declared as whole.",
    mend: 'Take `whole` out: devices and connections are looked up by the key of their partition.',
  },
  CAR263: {
    slug: 'outer-without-name',
    what: 'An outer join has no name for the records of its own stream.',
    mend: 'Add own_as: the name of the field that holds them, or null.',
  },
  CAR264: {
    slug: 'window-not-told',
    what: 'A join of streams says no window, or says it twice.',
    mend: 'Write within: 10m; or before: 5m and after: 10m.',
  },
  CAR265: {
    slug: 'joined-priorities',
    what: 'Two streams are joined whose records may have different priorities.',
    mend: 'Give both one priority, the same one, without `unless`.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
