/**
 * The JSON Schema (draft 7) of topology files, for completion and lint in editors. It is made from
 * the catalog, so a new processor is in it without a further word. What needs the Avro schemas
 * (paths, expressions) is left to `carillon check`.
 */
import { TRANSPORTS } from '../core/device.ts';
import type { Catalog, Option, OptionKind, Options } from '../core/spec.ts';
import {
  byName,
  closed,
  countOf,
  durationOf,
  type Json,
  listOf,
  named,
  orVariable,
  PATH,
  path,
  priority,
  SIZE,
  text,
  VARIABLE,
} from './json-forms.ts';
import { GUARANTEES, OUTCOME_LEVELS, REACHES } from './plan.ts';
import { PRIORITIES, RENO_UNLESS_OWN } from './priority-schema.ts';
import { SOURCE } from './source-schema.ts';
import { TABLE } from './table-schema.ts';
import { classesOption, RENO_CLASSES_UNLESS_OWN, WORDS } from './words-schema.ts';

const TIME_OF_DAY = '^([01][0-9]|2[0-3]):[0-5][0-9]$';

const KINDS: { readonly [K in OptionKind]: (option: Option<unknown>) => Json } = {
  duration: ({ doc }) => durationOf(doc),
  time_of_day: ({ doc }) => ({
    type: 'string',
    pattern: orVariable(TIME_OF_DAY),
    description: doc,
  }),
  time_zone: ({ doc }) => text(doc),
  count: ({ doc, min, max }) =>
    countOf(doc, { minimum: min ?? 0, ...(max === undefined ? {} : { maximum: max }) }),
  bytes: ({ doc }) => ({ type: 'string', pattern: orVariable(SIZE), description: doc }),
  path: ({ doc }) => path(doc),
  paths: ({ doc }) => ({ ...listOf(doc, { type: 'string', pattern: PATH }), minItems: 1 }),
  predicate: ({ doc }) => text(`${doc} CEL over value, key and timestamp; gives true or false.`),
  expression: ({ doc }) => text(`${doc} CEL over value, key and timestamp.`),
  expressions: ({ doc }) => ({
    type: 'object',
    description: doc,
    minProperties: 1,
    additionalProperties: { type: 'string' },
  }),
  aggregates: ({ doc }) => ({
    type: 'object',
    description: doc,
    minProperties: 1,
    additionalProperties: { type: 'string' },
  }),
  durations: ({ doc, parts }) => {
    const all = Object.entries(parts ?? {});
    const properties = all.map(([name, what]) => [name, durationOf(what)]);
    return closed(doc, Object.fromEntries(properties), Object.keys(parts ?? {}));
  },
  one_of: ({ doc, choices }) => ({ description: doc, ...choicesOf(choices) }),
  priorities: ({ doc }) => ({
    ...listOf(doc, priority('One of them.')),
    minItems: 1,
    uniqueItems: true,
  }),
  device_classes: ({ doc }) => classesOption(doc),
  some_of: ({ doc, choices }) => ({
    ...listOf(doc, choicesOf(choices)),
    minItems: 1,
    uniqueItems: true,
  }),
  table: ({ doc }) => named(doc),
  stream: ({ doc }) => text(doc),
  flag: ({ doc }) => ({
    description: doc,
    anyOf: [{ type: 'boolean' }, { type: 'string', pattern: `^${VARIABLE}$` }],
  }),
  text: ({ doc }) => text(doc),
  secret: ({ doc }) => ({
    type: 'string',
    pattern: VARIABLE,
    description: `${doc} A variable: \${NAME}.`,
  }),
};

/** Each choice with what it means, which editors show beside it. */
function choicesOf(choices: Option<unknown>['choices']): Json {
  return {
    oneOf: Object.entries(choices ?? {}).map(([value, description]) => ({
      const: value,
      description,
    })),
  };
}

function optionSchema(option: Option<unknown>): Json {
  const schema = KINDS[option.kind](option);
  const { fallback } = option;
  return fallback === undefined || fallback === null ? schema : { ...schema, default: fallback };
}

function optionsSchema(options: Options): { properties: Json; required: readonly string[] } {
  const entries = Object.entries(options);
  return {
    properties: Object.fromEntries(entries.map(([name, option]) => [name, optionSchema(option)])),
    required: entries.filter(([, option]) => option.required).map(([name]) => name),
  };
}

function stepSchemas(catalog: Catalog): Json {
  const items: Json[] = [...catalog.steps.values()].map((spec) => {
    const { properties, required } = optionsSchema(spec.config);
    const options = closed(spec.summary, properties, required);
    const value =
      required.length === 0
        ? { anyOf: [options, { type: 'null' }], description: spec.summary }
        : options;
    return closed(
      spec.summary,
      { name: text("The step's name, to which its state is bound."), [spec.type]: value },
      [spec.type],
    );
  });
  const use = closed('Copies the steps of a chain in.', { use: named('The name of a chain.') }, [
    'use',
  ]);
  return listOf('The steps, in reading order.', { anyOf: [...items, use] });
}

function sinkTargets(catalog: Catalog): Json {
  return {
    description: 'The connector, and its options.',
    anyOf: [...catalog.sinks.values()].map((spec) => {
      const { properties, required } = optionsSchema(spec.config);
      const shared = {
        type: { const: spec.type, description: spec.summary },
        in_flight_max: countOf('Deliveries under way at once.', { minimum: 1 }),
        rate_max: countOf('Deliveries a minute, of all priorities and processes together.', {
          minimum: 1,
        }),
        timeout: durationOf('How long one delivery may take.', '5s'),
      };
      return closed(spec.summary, { ...shared, ...properties }, ['type', ...required]);
    }),
  };
}

const LANE = closed(
  'One topic and one consumer group per priority and transport.',
  {
    topic: text('The topic, with {priority} and {transport}.'),
    schema: text('The schema of its records: DeviceNotification.'),
    key: path('What its records are keyed by.'),
    priorities: { ...listOf('Its priorities.', priority('One of them.')), uniqueItems: true },
    transports: { ...listOf('Its transports.', { enum: TRANSPORTS }), uniqueItems: true },
    bytes_max: {
      type: 'string',
      pattern: orVariable(SIZE),
      default: '64KiB',
      description: 'A larger notification goes to the dead letters.',
    },
  },
  ['topic', 'schema', 'key'],
);

const PRIORITY = closed(
  'How urgent its events are; read on the event, before any step.',
  {
    as: priority('The priority, unless an exception holds.'),
    unless: listOf(
      'Exceptions; the first that holds wins.',
      closed(
        'An exception.',
        {
          when: text('CEL over the event; gives true or false.'),
          as: priority('The priority then.'),
        },
        ['when', 'as'],
      ),
    ),
  },
  ['as'],
);

const BRANCH = {
  ...listOf(
    'In place of `to`: a record goes to the first whose condition holds, and streams read each by its name.',
    closed(
      'A branch.',
      {
        when: text('CEL over value, key and timestamp; without it the branch takes what is left.'),
        as: named('Its name.'),
      },
      ['as'],
    ),
  ),
  minItems: 1,
};

const TO = {
  description: 'Where it writes: a lane, or a topic.',
  anyOf: [
    closed(
      'A lane: one record per device.',
      {
        lane: named('The name of a lane.'),
        transports: {
          ...listOf('What it may go by; all of the lane.', { enum: TRANSPORTS }),
          uniqueItems: true,
        },
        schema: text('The record name of the schema of what steps give; that of the events.'),
        reach: {
          enum: REACHES,
          default: REACHES[0],
          description:
            "Which of the device's transports: the first that can reach it now, the first, or all.",
        },
        outcomes: {
          enum: OUTCOME_LEVELS,
          default: 'told',
          description:
            'What the ledger has of it: all (also what the inbox stored), what was tried and its end, only failures, or all of one in a hundred. Failures are always there.',
        },
        guarantee: {
          enum: GUARANTEES,
          default: GUARANTEES[0],
          description:
            'acked: it is told again until its device acknowledges it, or its deadline has passed.',
        },
        again_after: durationOf(
          'So long without an acknowledgement, and it goes by another transport; left out: only when the device reconnects.',
        ),
        collapse: listOf('Fields whose values make the collapse key.', {
          type: 'string',
          pattern: PATH,
        }),
      },
      ['lane'],
    ),
    closed(
      'A topic.',
      { topic: text('The topic.'), schema: text('The record name of its schema.') },
      ['topic', 'schema'],
    ),
  ],
};

const AS = { enum: ['alert', 'background'], description: 'Whether people see it.' };
const TEXTS = (what: string): Json => ({
  description: `${what}: a text with {value.field}, or one for each locale.`,
  anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: { type: 'string' } }],
});

const SHOW = closed('What people see of it; without this a push carries data and shows nothing.', {
  title: TEXTS('The title'),
  body: TEXTS('The text below it'),
  fallback: text('The locale for devices of any other; the first that is written.'),
  fcm: closed('Android.', {
    as: AS,
    channel: text('The notification channel of the app.'),
    sound: text('A sound of the app, or default.'),
    group: text('Those of one group replace each other; an app has at most four.'),
  }),
  apns: closed('Apple.', {
    as: AS,
    sound: text('A sound of the app, or default.'),
    badge: { type: 'integer', minimum: 0, description: 'The number on the icon; 0 takes it away.' },
  }),
});

/** Pretty-printed it is `topology/topology.schema.json`. */
export function jsonSchema(catalog: Catalog): Json {
  const stream = closed(
    'A use case.',
    {
      id: named('Outlives the name; notification ids carry it.'),
      doc: text('What happens, and what the member sees of it.'),
      priority: PRIORITY,
      from: SOURCE,
      steps: { $ref: '#/definitions/steps' },
      to: TO,
      branch: BRANCH,
      show: SHOW,
    },
    ['id', 'from'],
  );
  const sink = closed(
    'A connector that delivers what a lane holds.',
    {
      doc: text('What it is for.'),
      from: closed(
        'Which lane it reads.',
        {
          lane: named('The name of a lane.'),
          transport: { enum: [...TRANSPORTS, 'all'] },
          app: text('Of which app, as devices register it; those that no other sink has.'),
        },
        ['lane', 'transport'],
      ),
      steps: { $ref: '#/definitions/steps' },
      to: { $ref: '#/definitions/sink' },
    },
    ['from', 'to'],
  );
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Carillon topology',
    ...closed(
      'A Carillon topology: streams of events, lanes of notifications, sinks.',
      {
        topology: named('Its name: the first part of groups, stores and changelogs.'),
        doc: text('What it is for.'),
        on_error: closed('What becomes of what cannot be delivered.', {
          attempts: countOf('Tries of a delivery before it is left to the inbox.', {
            minimum: 1,
            maximum: 100,
          }),
          // biome-ignore lint/suspicious/noThenProperty: a key of the file, and no promise.
          then: { enum: ['dead_letter'] },
          topic: text('The topic of dead letters.'),
        }),
        priorities: PRIORITIES,
        ...WORDS,
        tables: byName('Tables by name.', TABLE),
        chains: byName('Steps that several streams copy in with `use`.', {
          $ref: '#/definitions/steps',
        }),
        lanes: byName('Lanes by name.', LANE),
        streams: byName('Use cases by name.', stream),
        sinks: byName('Sinks by name.', sink),
      },
      ['topology', 'streams'],
    ),
    allOf: [RENO_UNLESS_OWN, RENO_CLASSES_UNLESS_OWN],
    definitions: { steps: stepSchemas(catalog), sink: sinkTargets(catalog) },
  };
}
