import type { ErrorEntry } from './error-entry.ts';

/** What is told of a step that makes one value of many records. */
export const AGGREGATE_ERRORS = {
  CAR251: {
    slug: 'aggregate-not-by-key',
    what: 'What an aggregate groups by does not have the key in it.',
    mend: 'Add the key to `by`: records of one group may lie in several partitions otherwise.',
  },
  CAR252: {
    slug: 'several-windows',
    what: 'An aggregate has more than one kind of windows.',
    mend: 'Keep one of tumbling, hopping, sliding and session.',
  },
  CAR253: {
    slug: 'final-without-windows',
    what: 'A final result is asked for where nothing ever closes.',
    mend: 'Give windows, as tumbling: { size: 1m }, or write emit: updates.',
  },
  CAR254: {
    slug: 'not-an-aggregate-function',
    what: 'A field of an aggregate is not a function over its records.',
    mend: 'Write one of the functions over an expression: sum(value.amount).',
  },
  CAR255: {
    slug: 'wrong-function-argument',
    what: 'A function of an aggregate has not the arguments that it takes.',
    mend: 'See the functions: carillon explain aggregate.',
  },
  CAR256: {
    slug: 'window-cannot-be',
    what: 'Windows overlap too often, or leave out times between them.',
    mend: 'Give an advance from a thousandth of the size up to the size.',
  },
  CAR259: {
    slug: 'sum-too-large',
    what: 'A sum of whole numbers has more than 64 bits.',
    mend: 'Sum doubles, double(value.amount), or correct what the event says.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
