/** What goes wrong with the state of tasks: its memory 69x, its local checkpoints 34x. */
import type { ErrorEntry } from './error-entry.ts';

export const STATE_ERRORS = {
  CAR695: {
    slug: 'state-memory-short',
    what: 'The state of a process needs most of the memory that it may have; steps do as if full.',
    mend: 'Give it more (`state.memory_max`), start more processes, or keep less (`keys_max`, spans).',
  },
  CAR696: {
    slug: 'state-memory-spent',
    what: 'The state of a process needs all of the memory that it may have: its tasks take nothing.',
    mend: 'Give it more (`state.memory_max`), or start another process, which takes over tasks.',
  },
  CAR697: {
    slug: 'state-does-not-fit',
    what: 'State that is read back does not fit the memory that the state of a process may have.',
    mend: 'Give it more (`state.memory_max`), or start more processes before this one.',
  },
  CAR340: {
    slug: 'checkpoint-not-trusted',
    what: 'A local checkpoint does not fit the log or the topology: state is rebuilt from Kafka.',
    mend: 'Nothing is lost. If it comes at each start, look at the disk of `state.checkpoints`.',
  },
  CAR341: {
    slug: 'checkpoint-not-written',
    what: 'A local checkpoint cannot be written: the next start rebuilds state from Kafka.',
    mend: 'Make `state.checkpoints` a folder that the process may write to, with room.',
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
