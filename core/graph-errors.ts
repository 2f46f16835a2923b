import type { ErrorEntry } from './error-entry.ts';

/** 23x: how the streams of a topology hang together: keys that change, branches, merges. */
export const GRAPH_ERRORS = {
  CAR230: {
    slug: 'not-a-key',
    what: 'A step that changes the key makes it of something that is no text, whole number or enum.',
    mend: 'Name a field that is a string, or make a text of it: string(value.x).',
  },
  CAR231: {
    slug: 'rekey-needs-schema',
    what: 'A value that a step has given goes through a repartition topic, and no schema says how.',
    mend: 'Name the schema of the value: rekey: { by: …, schema: … }.',
  },
  CAR232: {
    slug: 'rekey-after-fan-out',
    what: 'Records that are for one device each already would get another key, or go on in other streams.',
    mend: 'Put fan_out last: devices are told at the end, in the order of their numbers.',
  },
  CAR233: {
    slug: 'unknown-stream',
    what: 'A stream reads another stream, or a branch of one, that is not declared.',
    mend: 'Name one that is there: streams: [flights], or a branch: [flights.urgent].',
  },
  CAR234: {
    slug: 'streams-in-circle',
    what: 'A stream reads, over others or over topics, what it gives itself.',
    mend: 'Take one of them out of the circle.',
  },
  CAR235: {
    slug: 'merged-differ',
    what: 'Streams that another one merges give values of different forms, or of different priorities.',
    mend: 'Give all of them the same fields with map, or read one schema.',
  },
  CAR236: {
    slug: 'branch-unread',
    what: 'A branch is read by no stream.',
    mend: 'Read it: from: { streams: […] }. Or leave it out: what no branch takes is dropped, counted.',
  },
  CAR237: {
    slug: 'ends-twice',
    what: 'A stream writes, and other streams go on with it.',
    mend: 'Leave `to` out, and let one more stream that reads it write.',
  },
  CAR238: {
    slug: 'behind-the-default',
    what: 'A branch stands behind the one that takes all that is left.',
    mend: 'Put the branch without `when` last.',
  },
  CAR239: {
    slug: 'priority-comes-along',
    what: 'A stream that reads other streams says a priority.',
    mend: 'Say it where the events are read; each record keeps it.',
  },
  CAR275: {
    slug: 'comes-twice',
    what: 'A stream reads another one, and what a third makes of the same records too.',
    mend: 'Read one of the two, or share the records out in branches.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
