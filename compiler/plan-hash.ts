/**
 * What decides of a plan, as one text in a fixed order: two files that say the same in another
 * order, with other comments or names of streams, have one hash; two versions that decide
 * differently never share a task (design, D13).
 */
import { RENO_CLASSES } from '../core/device-classes.ts';
import type { Option } from '../core/spec.ts';
import type { Plan, StepPlan, StreamPlan } from './plan.ts';

export function planHash(plan: Omit<Plan, 'hash'>): string {
  const { deviceClasses } = plan.words;
  return canonical({
    topology: plan.topology,
    // The bits of a record's mask mean these.
    ...(deviceClasses === RENO_CLASSES ? {} : { deviceClasses: deviceClasses.names }),
    tables: byName(plan.tables),
    lanes: Object.fromEntries(
      plan.lanes.map((lane) => [
        lane.name,
        {
          ...lane,
          // Weights decide of nothing that is told; the names are in the topics.
          order: undefined,
          topics: lane.priorities.map((p) => lane.transports.map((t) => lane.topicOf(p, t))),
        },
      ]),
    ),
    // A topology without any has the hash that it always had.
    ...(plan.derived.length > 0 ? { derived: plan.derived.map(({ id, hash }) => [id, hash]) } : {}),
    streams: Object.fromEntries(
      plan.subTopologies.map(({ role, streams, clock, tables, tableInputs, wholeTables }) => [
        role,
        {
          ...(clock === undefined ? {} : { clock: { ...clock, stream: undefined } }),
          tables: byName(tables),
          ...(wholeTables.length > 0 ? { wholeTables: byName(wholeTables) } : {}),
          ...(tableInputs.length > 0 ? { tableInputs: byName(tableInputs) } : {}),
          streams: Object.fromEntries(streams.map((stream) => [stream.useCase, decides(stream)])),
        },
      ]),
    ),
    sinks: Object.fromEntries(
      plan.sinks.map((sink) => {
        const { name, spec, config, lane, transport, apps, steps, inFlightMax, timeoutMs } = sink;
        return [
          name,
          {
            type: spec.type,
            version: spec.version,
            config: withoutSecrets(config, spec.config),
            lane: lane.name,
            transport,
            ...(apps === undefined ? {} : { apps }),
            steps: steps.map(stepDecides),
            inFlightMax,
            timeoutMs,
          },
        ];
      }),
    ),
    deadLetters: plan.deadLetters,
    attempts: plan.attempts,
  });
}

function byName<T extends { readonly name: string }>(all: readonly T[]): { [name: string]: T } {
  return Object.fromEntries(all.map((one) => [one.name, one]));
}

/** The name and the doc of a stream decide nothing; its id does. */
function decides({ source, priority, steps, to }: StreamPlan): unknown {
  // Which outcomes are written decides of nothing that is told.
  const target = to.kind === 'lane' ? { ...to, lane: to.lane.name, outcomes: undefined } : to;
  return { source, priority, steps: steps.map(stepDecides), to: target };
}

function stepDecides({ name, spec, config }: StepPlan): unknown {
  return {
    name,
    type: spec.type,
    version: spec.version,
    config: withoutSecrets(config, spec.config),
  };
}

/**
 * A secret that is rotated is no new topology, and a hash of it has no place in a group's metadata.
 */
function withoutSecrets(
  config: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, Option<unknown>>>,
): unknown {
  return Object.fromEntries(
    Object.entries(config).filter(([name]) => options[name]?.kind !== 'secret'),
  );
}

/** JSON with sorted keys; of paths and expressions their text, as functions do not show. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner)
        .filter(([, of]) => typeof of !== 'function')
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
