import type { ErrorEntry } from './error-entry.ts';

/** 81x: an edit of a topology would lose what its former version has left. */
export const EDIT_ERRORS = {
  CAR810: {
    slug: 'step-removed-holding',
    what: 'A step that holds events is not in the topology any more.',
    mend: 'Let them go through what follows: carillon run --drain. Or drop them, counted: --drop.',
  },
  CAR811: {
    slug: 'stream-removed-unfinished',
    what: 'A stream that is removed has events that it has not told yet.',
    mend: 'Tell them first: carillon run --drain. Or drop them, counted: --drop.',
  },
  CAR812: {
    slug: 'state-of-another-meaning',
    what: 'The rows of a step were written for another identity, window or key than it has now.',
    mend: 'Begin with empty state: carillon run --drain tells what is held first, --drop drops it.',
  },
  CAR814: {
    slug: 'former-topology-unusable',
    what: 'What the former topology has left cannot be let go, as its text cannot be used any more.',
    mend: 'Bring back what it names (schemas, variables), or drop what is left: carillon run --drop.',
  },
  CAR815: {
    slug: 'source-left-unread',
    what: 'A stream reads another topic now, and has not read its former one to the end.',
    mend: 'Read it first: carillon run --drain. Or leave it, counted: carillon run --drop.',
  },
  CAR816: {
    slug: 'drain-stands-still',
    what: 'The former topology does not come to an end: what it has left cannot be let go now.',
    mend: 'See what it waits for (the registry, the log), and start again; nothing is lost meanwhile.',
  },
  CAR818: {
    slug: 'devices-cut-off',
    what: 'Devices that a stream reached, or that an inbox kept for, are left out by the edit.',
    mend: 'Keep the transport. Or cut them off: carillon run --drain tells what is under way first, --drop drops it.',
  },
  CAR817: {
    slug: 'topology-renamed',
    what: 'The log has run a topology of another name that has streams of the same ids.',
    mend: 'Keep the name under `topology:`. Or begin anew and leave the other one: carillon run --drop.',
  },
  CAR950: {
    slug: 'priorities-changed',
    what: 'The priorities of a topology that has run were renamed, taken away, or put in another order.',
    mend: 'Keep those that were, in their order; add others behind them, and give each the weight that it shall have. One that is no longer wanted is left out of `priorities` of the lane.',
  },
  CAR370: {
    slug: 'device-classes-changed',
    what: 'The classes of device of a topology that has run were renamed, taken away, or put in another order.',
    mend: 'Keep those that were, in their order, and add others behind them. One that is no longer wanted is named by no `target`.',
  },
  CAR826: {
    slug: 'table-left-behind',
    what: 'A table is read from another topic now, which does not have the rows of the former one.',
    mend: 'Keep the topic, or copy its rows to the new one first. Or leave them: carillon run --drop.',
  },
  CAR294: {
    slug: 'derived-otherwise',
    what: 'A table is made of others in another way than before, and written to the same topic.',
    mend: 'Give it another topic, and let who reads it follow. Or keep the topic with rows that are made no more: carillon run --drop.',
  },
  CAR825: {
    slug: 'rekey-removed-unread',
    what: 'A step that changes the key is not in its stream any more, and records are on their way.',
    mend: 'Let them arrive first: carillon run --drain. Or drop them, counted: carillon run --drop.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
