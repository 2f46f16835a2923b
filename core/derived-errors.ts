/** What is wrong with a table that is made of two others. */
import type { ErrorEntry } from './error-entry.ts';

export const DERIVED_ERRORS = {
  CAR290: {
    slug: 'derived-from-itself',
    what: 'A table that is made of others is made of itself.',
    mend: 'Take one of them out of the circle, or write one to a topic of its own.',
  },
  CAR291: {
    slug: 'derived-topic-taken',
    what: 'A table that is made of others is written to a topic that somebody else writes.',
    mend: 'Give it a topic of its own.',
  },
  CAR292: {
    slug: 'foreign-key-outer',
    what: 'A join by a foreign key is an outer one.',
    mend: 'Write type: left, or inner. Or take `by` out, where both tables have one key.',
  },
  CAR293: {
    slug: 'derived-key',
    what: 'A table that is made of others names another key than its rows have.',
    mend: 'Its rows have the keys of the left table: name that field, or one that nothing else gives.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
