import { TRANSPORTS } from '../core/device.ts';
import { optionalPath, TEXT } from '../core/path-options.ts';
import {
  ALL_USE_CASES,
  type MemberPreferences,
  type UseCasePreference,
} from '../core/preferences.ts';
import { ANY_TRANSPORT } from '../core/slice.ts';
import { defineEach, oneOf, table } from '../core/spec.ts';
import { dropped, PASSED } from '../core/verdict.ts';

const UNWANTED = dropped('unwanted');
const UNSET = dropped('unset');

function bitsOf({ transports }: UseCasePreference): number {
  return transports.reduce((bits, one) => bits | (1 << TRANSPORTS.indexOf(one)), 0);
}

/** What is said of the use case itself goes before what is said of all. */
function wishOf(row: MemberPreferences, useCase: string): UseCasePreference | undefined {
  return (
    row.useCases.find((one) => one.useCase === useCase) ??
    row.useCases.find((one) => one.useCase === ALL_USE_CASES)
  );
}

/** A member is told what the member wants, by the ways that the member wants. */
export const preferences = defineEach({
  type: 'preferences',
  summary: 'Leave of a notification what its member wants by use case and transport.',
  description: [
    "Looks up the member's row in a table of schema MemberPreferences. The row's word for this use case",
    '(its `id`), else that for `*`, says by which transports it is wanted; none at all drops it.',
    'Otherwise it goes by the first transport of each device that both the stream and the member',
    'allow; where that leaves none, `inbox` among the wanted ones keeps it for the next pull, and',
    'without it the lane drops it as `no_transport`. Two such steps leave what both allow. The table is',
    'read as it is when the event is processed; it is read to its end before the first event. Its',
    'stream says `reach: first` or `reach: all`, as what is handed on later is not asked again. Put',
    'it before steps that hold records up: what is not wanted then costs no state.',
  ].join(' '),
  config: {
    table: table(
      'The table of preferences by member (schema MemberPreferences).',
      'MemberPreferences',
    ),
    by: optionalPath('Where the member is; the key when it is left out. It must be the key.', TEXT),
    unset: oneOf(
      'What to do where a row, or its word for the use case, is missing.',
      { tell: 'Tell it by all ways.', drop: 'Drop it as `unset`: nothing without consent.' },
      'tell',
    ),
  },
  drops: {
    unwanted: 'The member wants this use case by no transport, or by none that a step before left.',
    unset: 'The member has not said, and the policy is `unset: drop`.',
  },
  counts: {
    no_word: 'Records of members who have not said.',
    narrowed: 'Records that may go by some transports only.',
  },
  narrows: true,
  example: '- preferences: { table: members, by: value.memberId, unset: tell }',
  open({ table: name, by, unset }, context) {
    const members = context.table<MemberPreferences>(name);
    return (record) => {
      const member = by === null ? record.key : by.read(record);
      const row = typeof member === 'string' ? members.get(member) : undefined;
      const wish = row === undefined || row === null ? undefined : wishOf(row, context.useCase);
      if (wish === undefined) {
        context.count('no_word');
        return unset === 'drop' ? UNSET : PASSED;
      }
      const { transports: left } = record;
      const wanted = left === ANY_TRANSPORT ? bitsOf(wish) : bitsOf(wish) & left;
      if (wanted === 0) return UNWANTED;
      if (wanted === ALL) return PASSED;
      record.transports = wanted;
      context.count('narrowed');
      return PASSED;
    };
  },
});

const ALL = (1 << TRANSPORTS.length) - 1;
