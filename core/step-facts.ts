/** What a step says of itself beside its options: for the desk, before a record flows. */

/**
 * What can be said of options that are right one by one: one has no effect, or always loses. A step
 * is asked with its options, and the names of those that its file writes.
 */
export interface ConfigWarning {
  readonly option: string;
  readonly kind: 'no_effect' | 'always_lost';
  /** What follows the option's name: `is longer than at_most, so it never ends a burst`. */
  readonly why: string;
}

/** How long a step takes and lets live, times in milliseconds; each may be left out. */
export interface StepTimes {
  /** The least that a record waits in it. */
  readonly waitMs?: number;
  /** The most that a record waits in it, where not all of them do. */
  readonly holdMs?: number;
  /** An older event is dropped by it. */
  readonly ageMsMax?: number;
  /** The deadline that it stamps lies so long after the event. */
  readonly lifeMs?: number;
  /** True: what it sends on is made anew, and has no deadline. */
  readonly isAnew?: boolean;
}

/** What a step declares of its records' fates: reasons of drops, codes of dead letters, counts. */
export interface Fates<Reason extends string, Code extends string, Name extends string> {
  readonly drops?: Readonly<globalThis.Record<Reason, string>>;
  /** The codes of the dead letters that the step itself makes, each with when. */
  readonly deadLetters?: Readonly<globalThis.Record<Code, string>>;
  readonly counts?: Readonly<globalThis.Record<Name, string>>;
}

/** Where a step may stand, and what becomes of the stream behind it. */
export interface StepPlace {
  /** True: a step of the engine's own sub-topologies, which no file may name. */
  readonly isInternal?: boolean;
  /** True: what it holds may be sent on several times, and still be held. */
  readonly repeats?: boolean;
  /** True: it leaves a notification fewer transports than its stream allows. */
  readonly narrows?: boolean;
  /**
   * True: it gives the record the key that its option `by` (an expression) makes, so what follows
   * stands behind a repartition topic; its option `schema` names the schema of a given value there.
   */
  readonly rekeys?: boolean;
}

/**
 * The options of a step as they can be compared with those of another one: a path is where its
 * value comes from in the event, an expression its source.
 */
export type PlainOptions = Readonly<globalThis.Record<string, unknown>>;

/** Every part of the one is a part of the other, so what is equal by the other is by the one. */
export function isCoarser(paths: unknown, than: unknown): boolean {
  const of = new Set(than as readonly string[]);
  return (paths as readonly string[]).every((path) => of.has(path));
}

/** Of sinks. */
export interface ByApp {
  /**
   * True: its service knows a device as that of one app, so that a lane may have one such sink for
   * each (`from: { app: … }`), with settings, pace and troubles of its own. False by default.
   */
  readonly byApp?: boolean;
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

/** What it sends on are no longer the records that came: it makes many of one, or one of many. */
export function makesOthers({
  kind,
  gives,
  repeats,
  oneForOne,
}: {
  readonly kind: string;
  readonly oneForOne?: boolean;
  readonly gives?: { readonly kind: string };
  readonly repeats?: boolean;
}): boolean {
  const made = gives?.kind;
  const expands = kind === 'expand' && oneForOne !== true;
  return (
    expands || made === 'aggregated' || made === 'walked' || made === 'paired' || repeats === true
  );
}
