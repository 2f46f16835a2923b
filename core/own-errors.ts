/** What goes wrong with steps and sinks of one's own: while records flow 67x, at loading 94x. */
import type { ErrorEntry } from './error-entry.ts';

export const OWN_ERRORS = {
  CAR675: {
    slug: 'step-out-of-line',
    what: 'A step of your own did with a record what its spec does not declare, or no step may do.',
    mend: 'Mend the step as the reason of the dead letter says; then send the event again.',
  },
  CAR676: {
    slug: 'step-not-returning',
    what: 'A step of your own did not return from a record in time, and was interrupted.',
    mend: 'Look for a loop that does not end, or a pattern that backtracks; then send it again.',
  },
  CAR677: {
    slug: 'step-not-opened',
    what: 'A step of your own could not be opened, so its task cannot begin.',
    mend: 'Mend its `open`: it gives the function that is called for each record.',
  },
  CAR678: {
    slug: 'operator-too-late',
    what: 'An operator of your own sent a batch on after it had returned, so its task has ended.',
    mend: 'Use operators without time (no delay, debounce, buffer); hold records in a timed step.',
  },
  CAR679: {
    slug: 'state-half-changed',
    what: 'A step of your own was interrupted while its state was changed, so its task has ended.',
    mend: 'Mend the step, which does not return from a record, and start again: the last commit stands.',
  },
  CAR945: {
    slug: 'module-failed',
    what: 'A module of steps or sinks of your own cannot be loaded.',
    mend: 'Mend the module: it is imported by Node, TypeScript by stripping its types.',
  },
  CAR946: {
    slug: 'module-without-specs',
    what: 'A module of your own exports no step and no sink.',
    mend: 'Export one: export default processor.each({ … }), or a list of several.',
  },
  CAR947: {
    slug: 'type-taken',
    what: 'Two steps, or two sinks, have one name.',
    mend: 'Give yours another `type`.',
  },
  CAR948: {
    slug: 'wrong-spec',
    what: 'What a step or sink of your own says of itself is not what a spec is.',
    mend: 'Write what the message says; the types of the package say it while you write.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
