/** What a step says of itself beside its options: for the desk, before a record flows. */

/** What can be said of options that are right one by one: one has no effect, or always loses. */
export interface ConfigWarning {
  readonly option: string;
  readonly kind: 'no_effect' | 'always_lost';
  /** What follows the option's name: `is longer than at_most, so it never ends a burst`. */
  readonly why: string;
}

/** How long a step takes and lets live, in milliseconds; each may be left out. */
export interface StepTimes {
  /** The least that a record waits in it. */
  readonly waitMs?: number;
  /** An older event is dropped by it. */
  readonly ageMsMax?: number;
  /** The deadline that it stamps lies so long after the event. */
  readonly lifeMs?: number;
}

/** What a step declares of its records' fates: reasons of drops, codes of dead letters, counts. */
export interface Fates<Reason extends string, Code extends string, Name extends string> {
  readonly drops?: Readonly<globalThis.Record<Reason, string>>;
  /** The codes of the dead letters that the step itself makes, each with when. */
  readonly deadLetters?: Readonly<globalThis.Record<Code, string>>;
  readonly counts?: Readonly<globalThis.Record<Name, string>>;
}

/** What a step or sink of one's own says beside; those of the package have none. */
export interface Versioned {
  /**
   * Stands in the topology's hash: workers of two versions share no task. Left out, the code of its
   * module stands for it, so that every edit is seen.
   */
  readonly version?: string;
}

/** It comes from somebody's own module, and is looked after as such. */
export function isOwn({ version }: Versioned): boolean {
  return version !== undefined;
}
