/** Topics of what steps put aside. */
import { asItCame } from './origins.ts';
import type { StepPlan } from './plan.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedStep } from './steps.ts';
import type { StreamScope } from './streams.ts';

/** Null: it puts nothing aside, or nowhere. */
export function asideTopicOf({ spec, config }: Pick<StepPlan, 'spec' | 'config'>): string | null {
  return spec.aside === undefined ? null : (config[spec.aside] as string | null);
}

/** Names them as outputs: with the schema of the source, as long as the value is the source's. */
export function useAsides(
  { topics }: Pick<StreamScope, 'topics'>,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  for (const { spec, config, places, span, name, originOf, joined } of steps) {
    const topic = asideTopicOf({ spec, config });
    if (topic === null) continue;
    const place = places.get(spec.aside!) ?? span;
    const isOfOne = joined === undefined || joined.source.schema === from.schema;
    const schema = originOf === asItCame && isOfOne ? from.schema : undefined;
    topics.use(`${subject}, ${name}`, { value: topic, span: place }, 'output', schema);
  }
}
