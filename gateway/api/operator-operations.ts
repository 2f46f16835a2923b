/** What operators, tools and sinks ask: on the internal port, but for the two plain ones. */
import { DELIVER_OUTCOMES_TYPE, DELIVER_PATH, DELIVERIES_TYPE } from '../../schemas/deliveries.ts';
import type { Body, Operation, Parameter } from './operation.ts';
import { refTo } from './shapes.ts';

const HEALTH: Body = { type: 'application/json', schema: refTo('Health') };
const REGISTRY_TYPE = 'application/vnd.schemaregistry.v1+json';
const MISSING = {
  doc: 'There is none.',
  body: { type: REGISTRY_TYPE, schema: refTo('RegistryError') },
};
const SUBJECT: Parameter = { doc: 'A topic, and `-value`.', schema: { type: 'string' } };
const anyOf = (doc: string) => ({
  doc,
  body: { type: 'application/json', schema: { type: 'object' } },
});
const AGO: Parameter = {
  doc: 'How far back to look, in milliseconds.',
  schema: { type: 'integer', minimum: 1, maximum: 2_678_400_000, default: 86_400_000 },
};
/** What all of the console's own questions are. */
const CONSOLE = { method: 'get', tag: 'operators', token: ['operator'] } as const;

export const DOCUMENT: Operation = {
  id: 'openApi',
  method: 'get',
  path: '/openapi.json',
  tag: 'operators',
  summary: 'This document: the operations of the port that was asked.',
  token: null,
  answers: { 200: anyOf('OpenAPI 3.1.') },
};

export const LIVE: Operation = {
  id: 'live',
  method: 'get',
  path: '/health/live',
  tag: 'operators',
  summary: 'The process lives.',
  token: null,
  answers: { 200: { doc: 'It does.', body: HEALTH } },
};

export const READY: Operation = {
  id: 'ready',
  method: 'get',
  path: '/health/ready',
  tag: 'operators',
  summary: 'The process can do its work; on the internal port with what keeps it.',
  token: null,
  answers: { 200: { doc: 'It can.', body: HEALTH }, 503: { doc: 'Not now.', body: HEALTH } },
};

export const METRICS: Operation = {
  id: 'metrics',
  method: 'get',
  path: '/metrics',
  tag: 'operators',
  summary: "Figures in Prometheus' text format.",
  token: null,
  answers: {
    200: {
      doc: 'The figures of the process.',
      body: { type: 'text/plain; version=0.0.4; charset=utf-8', schema: { type: 'string' } },
    },
  },
};

export const FLOW: Operation = {
  id: 'flow',
  method: 'get',
  path: '/flow',
  tag: 'operators',
  summary: 'What this process has counted, as data: what the console of another one adds up.',
  token: null,
  answers: { 200: anyOf('As the console has it, of this process alone.') },
};

export const PAGE: Operation = {
  id: 'console',
  method: 'get',
  path: '/console',
  tag: 'operators',
  summary: "The console's page is at /console/.",
  token: null,
  answers: { 302: { doc: 'There.' } },
};

export const PAGE_INDEX: Operation = {
  id: 'consolePage',
  method: 'get',
  path: '/console/',
  tag: 'operators',
  summary: 'The page for operators.',
  token: null,
  answers: { 200: { doc: 'HTML.', body: { type: 'text/html', schema: { type: 'string' } } } },
  errors: ['CAR705'],
};

export const PAGE_FILE: Operation = {
  id: 'consoleFile',
  method: 'get',
  path: '/console/:file',
  tag: 'operators',
  summary: 'A file of the page.',
  token: null,
  params: { file: { doc: 'Its name.', schema: { type: 'string' } } },
  answers: { 200: { doc: 'As its type says.' } },
  errors: ['CAR705'],
};

export const CONSOLE_TOPOLOGY: Operation = {
  ...CONSOLE,
  id: 'consoleTopology',
  path: '/console/v1/topology',
  summary: 'The topology that runs.',
  query: {},
  answers: { 200: anyOf('As the page draws it.') },
};

export const CONSOLE_FLOW: Operation = {
  ...CONSOLE,
  id: 'consoleFlow',
  path: '/console/v1/flow',
  summary: 'What flows: records, drops, held, lag, by step and lane.',
  query: {},
  answers: { 200: anyOf('Since the start of the process.') },
};

export const CONSOLE_DEVICE: Operation = {
  ...CONSOLE,
  id: 'consoleDevice',
  path: '/console/v1/devices/:id',
  summary: "A device, or a member's devices, with what they were told.",
  params: { id: { doc: 'Of the device or member.', schema: { type: 'string', maxLength: 256 } } },
  query: { ago: AGO },
  answers: { 200: anyOf('What is known.') },
};

export const CONSOLE_DEAD_LETTERS: Operation = {
  ...CONSOLE,
  id: 'consoleDeadLetters',
  path: '/console/v1/dead-letters',
  summary: 'Dead letters, by code and origin.',
  query: { ago: AGO },
  answers: { 200: anyOf('Sums, and the last ones.') },
};

export const CONSOLE_REDRIVE: Operation = {
  id: 'consoleRedrive',
  method: 'post',
  tag: 'operators',
  token: ['operator'],
  path: '/console/v1/redrive',
  summary: 'Sends dead letters back to where they came from, once each; first it only looks.',
  doc: 'Without `upTo` nothing is sent, and the answer says what would be. With the `upTo` of that answer it is.',
  body: {
    type: 'application/json',
    schema: {
      type: 'object',
      properties: {
        from: { type: 'integer', minimum: 0, description: 'Letters from then on, epoch ms.' },
        code: { type: 'string', minLength: 1, maxLength: 64 },
        origin: { type: 'string', minLength: 1, maxLength: 249 },
        upTo: { type: 'string', pattern: '^(\\d{1,9}:\\d{1,15}(,\\d{1,9}:\\d{1,15})*)?$' },
      },
      required: ['from'],
      additionalProperties: false,
    },
  },
  answers: { 200: anyOf('How many of each code and origin, and what is left out.') },
  errors: ['CAR710', 'CAR730', 'CAR734'],
};

export const CONSOLE_STATE: Operation = {
  ...CONSOLE,
  id: 'consoleState',
  path: '/console/v1/state',
  summary: 'What steps keep: counts, held events, numbers.',
  query: {
    store: {
      doc: '`<stream>/<step>`, `tables/<name>` or `<priority>/numbers`.',
      schema: { type: 'string', minLength: 1 },
    },
    key: {
      doc: 'The values of the key, from the first on; without one all rows.',
      schema: { type: 'array', items: { type: 'string' } },
    },
    range: { doc: '`<from>..<to>` of the first value.', schema: { type: 'string' } },
  },
  answers: { 200: anyOf('Rows, in the order of their keys.') },
};

export const CONSOLE_LIVE: Operation = {
  ...CONSOLE,
  id: 'consoleLive',
  path: '/console/v1/live',
  summary: 'Records as they are written, until one of the two ends it.',
  query: {
    topic: {
      doc: 'Names of topics; without one the events that the topology reads.',
      schema: { type: 'array', maxItems: 64, items: { type: 'string' } },
    },
    where: {
      doc: 'CEL over value, key and timestamp.',
      schema: { type: 'string', maxLength: 2_000 },
    },
  },
  answers: {
    200: {
      doc: 'A line of JSON for each.',
      body: { type: 'application/x-ndjson; charset=utf-8', schema: { type: 'string' } },
    },
  },
};

export const SCHEMA_BY_ID: Operation = {
  id: 'schemaById',
  method: 'get',
  path: '/schemas/ids/:id',
  tag: 'schemas',
  summary: 'A schema by the id that stands in records.',
  token: null,
  params: { id: { doc: 'The id.', schema: { type: 'integer', minimum: 1 } } },
  answers: {
    200: {
      doc: 'The schema, as text.',
      body: {
        type: REGISTRY_TYPE,
        schema: {
          type: 'object',
          properties: { schema: { type: 'string' } },
          required: ['schema'],
          additionalProperties: false,
        },
      },
    },
    404: MISSING,
  },
};

export const SUBJECTS: Operation = {
  id: 'subjects',
  method: 'get',
  path: '/subjects',
  tag: 'schemas',
  summary: 'The subjects that have schemas.',
  token: null,
  answers: {
    200: {
      doc: 'Their names.',
      body: { type: REGISTRY_TYPE, schema: { type: 'array', items: { type: 'string' } } },
    },
  },
};

export const SUBJECT_VERSIONS: Operation = {
  id: 'subjectVersions',
  method: 'get',
  path: '/subjects/:subject/versions',
  tag: 'schemas',
  summary: 'The versions of a subject.',
  token: null,
  params: { subject: SUBJECT },
  answers: {
    200: {
      doc: 'Their numbers.',
      body: { type: REGISTRY_TYPE, schema: { type: 'array', items: { type: 'integer' } } },
    },
    404: MISSING,
  },
};

export const SUBJECT_VERSION: Operation = {
  id: 'subjectVersion',
  method: 'get',
  path: '/subjects/:subject/versions/:version',
  tag: 'schemas',
  summary: 'A version of a subject.',
  token: null,
  params: {
    subject: SUBJECT,
    version: { doc: 'Its number, or `latest`.', schema: { type: 'string' } },
  },
  answers: {
    200: {
      doc: 'The version.',
      body: {
        type: REGISTRY_TYPE,
        schema: {
          type: 'object',
          properties: {
            subject: { type: 'string' },
            version: { type: 'integer' },
            id: { type: 'integer' },
            schema: { type: 'string' },
          },
          required: ['subject', 'version', 'id', 'schema'],
        },
      },
    },
    404: MISSING,
  },
};

export const DELIVER: Operation = {
  id: 'deliver',
  method: 'post',
  path: DELIVER_PATH,
  tag: 'sinks',
  summary: 'The websocket sink hands over records of a lane.',
  token: 'internal',
  body: { type: DELIVERIES_TYPE, schema: { type: 'string', format: 'binary' } },
  answers: {
    200: {
      doc: 'A byte for each: how it ended.',
      body: { type: DELIVER_OUTCOMES_TYPE, schema: { type: 'string', format: 'binary' } },
    },
  },
  errors: ['CAR710'],
};
