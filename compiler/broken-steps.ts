/**
 * Steps of which something was told. What can still be known of them decides what can be told of
 * those that follow: all that is wrong by itself, and nothing that may only follow from them.
 */

import { nearest } from '../core/nearest.ts';
import type { Options, StepSpec } from '../core/spec.ts';
import type { ResolvedOptions } from './resolved-options.ts';
import { ANY_SHAPE, type Shape, withoutNull } from './shape.ts';
import type { Tree } from './tree.ts';

/** Null: it may be any step. */
export type Broken = StepSpec | null;

type Specs = ReadonlyMap<string, StepSpec>;

/** Whether one of them is such a step, as far as can be known. */
export function mayBe(broken: readonly Broken[], is: (spec: StepSpec) => boolean): boolean {
  return broken.some((spec) => spec === null || is(spec));
}

/** It sends another value on than came to it. */
export function givesValue({ gives, config }: StepSpec): boolean {
  const options: Options = config;
  return gives !== undefined || Object.values(options).some(({ kind }) => kind === 'expressions');
}

/**
 * The step that a type of no step was meant to be: one with a name near to it that takes the
 * options that stand there.
 */
export function meantStep(type: string, options: Tree, steps: Specs): StepSpec | undefined {
  const near = nearest(type, steps.keys());
  const spec = near === undefined ? undefined : steps.get(near)!;
  if (spec === undefined || spec.isInternal === true) return undefined;
  const written = keysOf(options);
  const needed = Object.entries(spec.config as Options).flatMap(([name, { required }]) =>
    required ? [name] : [],
  );
  const known = Object.keys(spec.config);
  const isOne = written.every((key) => known.includes(key));
  return isOne && needed.every((key) => written.includes(key)) ? spec : undefined;
}

/**
 * Whether a step of no known type may give another value: its options are those of one that does.
 */
export function mayGive(options: Tree, steps: Specs): boolean {
  if (options.kind !== 'map') return options.kind !== 'scalar' || options.value !== null;
  const all = [...steps.values()];
  const optionsOf = (some: readonly StepSpec[]) =>
    new Set(some.flatMap(({ config }) => Object.keys(config)));
  const others = optionsOf(all.filter((spec) => !givesValue(spec)));
  const giving = optionsOf(all.filter(givesValue));
  return keysOf(options).some((key) => giving.has(key) && !others.has(key));
}

function keysOf(options: Tree): readonly string[] {
  return options.kind === 'map' ? options.entries.map(({ key }) => key) : [];
}

/** What a step that gives another value gives, as far as its broken options say it. */
export function brokenShape({ gives }: StepSpec, before: Shape, known?: ResolvedOptions): Shape {
  if (gives === undefined) return known?.gives ?? ANY_SHAPE;
  const own = withoutNull(before);
  const as =
    gives.kind === 'joined' || gives.kind === 'walked' ? known?.config[gives.as] : undefined;
  if (typeof as !== 'string' || own.kind !== 'record') return ANY_SHAPE;
  const fields = new Map([...own.fields, [as, ANY_SHAPE] as const]);
  return { kind: 'record', name: `${own.name} with ${as}`, fields, defaulted: new Set() };
}
