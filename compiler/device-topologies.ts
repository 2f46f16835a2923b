/**
 * The sub-topologies that every topology with lanes has, without a line of YAML: registration by
 * device, its hops by member (design, D4) and by push token, and presence (D10).
 */
import { RENO_PRIORITIES } from '../core/priority.ts';
import type { Catalog, StepSpec } from '../core/spec.ts';
import { RENO_WORDS } from '../core/words.ts';
import { CelCompiler } from './cel.ts';
import { topicPlan } from './declarations.ts';
import { DEVICES, GATEWAYS, OWNERS, PRESENCE } from './engine-tables.ts';
import { readerOf } from './field-path.ts';
import { resolveOptions } from './options.ts';
import type { StreamPlan, SubTopologyPlan, TopicPlan } from './plan.ts';
import type { Report } from './report.ts';
import { ANY_SHAPE } from './shape.ts';

const DAY_MS = 86_400_000;
const MAX_FUTURE_MS = 600_000;

interface Hop {
  readonly role: 'register' | 'fold' | 'tokens' | 'presence';
  readonly doc: string;
  readonly step: string;
  readonly topic: string;
  readonly schema: string;
  /** The field that the key repeats. */
  readonly key: string;
  readonly time: string;
  readonly to: readonly { readonly topic: string; readonly schema: string }[];
}

const REGISTRATION = { topic: 'events.device-registration', schema: 'DeviceRegistration' };

function repartitionOf(topology: string): string {
  return `${topology}.devices.register-repartition`;
}

/** The repartition topic of the hop that knows whose a push token is. */
export function tokensOf(topology: string): string {
  return `${topology}.devices.tokens-repartition`;
}

function hopsOf(topology: string): readonly Hop[] {
  const changes = { topic: repartitionOf(topology), schema: 'DeviceChange' };
  const tokens = { topic: tokensOf(topology), schema: 'PushToken' };
  return [
    {
      role: 'register',
      doc: 'Whose a device is, in which epoch, and how it is reached.',
      step: 'register_device',
      ...REGISTRATION,
      key: 'deviceId',
      time: 'occurredAt',
      to: [OWNERS, changes, tokens],
    },
    {
      role: 'fold',
      doc: 'The devices of each member.',
      step: 'fold_devices',
      topic: changes.topic,
      schema: changes.schema,
      key: 'memberId',
      time: 'updatedAt',
      to: [DEVICES],
    },
    {
      role: 'tokens',
      doc: 'Whose each push token is: the last device that registered it.',
      step: 'own_token',
      topic: tokens.topic,
      schema: tokens.schema,
      key: 'tokenHash',
      time: 'occurredAt',
      to: [REGISTRATION],
    },
    {
      role: 'presence',
      doc: 'Which devices are connected, and where.',
      step: 'fold_presence',
      topic: 'events.connections',
      schema: 'Connection',
      key: 'deviceId',
      time: 'occurredAt',
      to: [PRESENCE],
    },
  ];
}

/** The topics that a topology with lanes has besides its own. */
export function deviceTopics(topology: string): readonly TopicPlan[] {
  return [
    topicPlan(REGISTRATION.topic, 'events', REGISTRATION.schema),
    topicPlan('events.connections', 'events', 'Connection'),
    topicPlan('events.device-reports', 'events', 'DeviceReport'),
    topicPlan(OWNERS.topic, 'table', OWNERS.schema),
    topicPlan(DEVICES.topic, 'table', DEVICES.schema),
    // A gateway that died without a word leaves rows; they go by time.
    topicPlan(PRESENCE.topic, 'table', PRESENCE.schema, {
      cleanup: 'compact,delete',
      retentionMs: 7 * DAY_MS,
    }),
    topicPlan(GATEWAYS.topic, 'table', GATEWAYS.schema, {
      cleanup: 'compact,delete',
      retentionMs: DAY_MS,
    }),
    // Twice as long as a key counts.
    topicPlan('tables.ingest-keys', 'table', 'IngestKey', {
      cleanup: 'compact,delete',
      retentionMs: 2 * DAY_MS,
    }),
    topicPlan(repartitionOf(topology), 'repartition', 'DeviceChange', { retentionMs: DAY_MS }),
    topicPlan('outcomes', 'outcomes', 'DeliveryOutcome'),
  ];
}

export function deviceTopologies(
  topology: string,
  catalog: Catalog,
  report: Report,
): readonly SubTopologyPlan[] {
  return hopsOf(topology).map((hop) => {
    const spec = catalog.steps.get(hop.step);
    if (spec === undefined) throw new Error(`the catalog has no step ${hop.step}`);
    const stream = streamOf(topology, hop, spec, report);
    const stores = stream.steps.flatMap(({ store }) =>
      store === null ? [] : [{ store, changelog: `${store}-changelog` }],
    );
    return {
      role: `devices/${hop.role}`,
      group: `${topology}.devices.${hop.role}`,
      priority: -1,
      streams: [stream],
      tables: [],
      tableInputs: [],
      wholeTables: [],
      stores,
      numbers: null,
    };
  });
}

function streamOf(topology: string, hop: Hop, spec: StepSpec, report: Report): StreamPlan {
  const scope = {
    report,
    subject: hop.step,
    shape: ANY_SHAPE,
    tables: new Map(),
    cel: new CelCompiler(),
    priorities: RENO_PRIORITIES,
    words: RENO_WORDS,
  };
  const options = resolveOptions(scope, spec.config, undefined, { start: 0, end: 1 });
  if (options === undefined) throw new Error(`step ${hop.step} needs options`);
  const store =
    'rows' in spec && spec.rows !== undefined
      ? `${topology}.devices.${hop.role}.${hop.step.replaceAll('_', '-')}`
      : null;
  return {
    name: `devices-${hop.role}`,
    useCase: `devices-${hop.role}`,
    part: '',
    // Whatever was registered before the first start counts.
    start: { kind: 'earliest' },
    doc: hop.doc,
    source: {
      topic: hop.topic,
      // These steps read the whole of their values.
      projection: { schema: hop.schema },
      time: readerOf(`value.${hop.time}`, [hop.time]),
      id: null,
      member: readerOf(`value.${hop.key}`, [hop.key]),
      maxFutureMs: MAX_FUTURE_MS,
    },
    priority: null,
    steps: [{ name: hop.step, spec, config: options.config, store }],
    to: { kind: 'topic', topics: hop.to },
    show: null,
  };
}
