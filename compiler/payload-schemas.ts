/** Schemas of what steps give to a lane, which no topic has. */
import type { StepSpec } from '../core/spec.ts';
import type { Plan } from './plan.ts';
import type { Section } from './section.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedSteps } from './steps.ts';
import { checkFits } from './stream-checks.ts';
import type { StreamScope } from './streams.ts';

/**
 * What a registry must know besides the schemas of topics, each under the subject of a topic that
 * is never made: `<topology>.<use case>.payload`.
 */
export function payloadSchemas(plan: Plan): { topic: string; schema: string }[] {
  const found = new Map<string, string>();
  for (const { streams } of plan.subTopologies) {
    for (const { useCase, to } of streams) {
      if (to.kind !== 'lane' || to.schema === undefined) continue;
      found.set(`${plan.topology}.${useCase}.payload`, to.schema);
    }
  }
  return [...found].map(([topic, schema]) => ({ topic, schema }));
}

/**
 * What a step gives is encoded with a schema that the devices know: the one that is named, or the
 * source's.
 */
export function resolvePayloadSchema(
  scope: StreamScope,
  section: Section,
  steps: ResolvedSteps,
  from: ResolvedSource | undefined,
): { readonly schema?: string } {
  const { subject } = section;
  const written = section.text('schema');
  const shape = written === undefined ? from?.shape : scope.schemas.named(subject, written);
  if (written === undefined && from?.isGiven === true) {
    section.missing(
      'schema',
      'Name the schema of the value: the streams that it reads have given it.',
    );
    return {};
  }
  const schema = written?.value ?? from?.schema;
  if (from === undefined || shape === undefined || schema === undefined) return {};
  const span = written?.span ?? section.span;
  if (steps.isGiven) {
    checkFits(scope, subject, span, steps.shape, shape, schema, steps.known);
  } else if (schema !== from.schema && !steps.broken.includes(null)) {
    const what = `${subject}: it writes ${from.schema} as it came, and not ${schema}.`;
    scope.report.error('CAR406', span, what, 'Give the value with a map.');
    return {};
  }
  return schema === from.schema ? {} : { schema };
}

/** Whether a step may make one record per device of one; what gives another value does not. */
export function makesDevices(spec: StepSpec): boolean {
  return spec.kind === 'expand' && spec.gives === undefined;
}
