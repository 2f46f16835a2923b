/** Operations as an OpenAPI 3.1 document. */
import { ERROR_TABLE, type ErrorCode } from '../../core/error-table.ts';
import { RENO_WORDS, type Words } from '../../core/words.ts';
import { statusOf } from '../problem.ts';
import type { Body, JsonSchema, Operation, Parameter } from './operation.ts';
import { refTo, registrationShape, SHAPES } from './shapes.ts';

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: { readonly [path: string]: { readonly [method: string]: JsonSchema } };
  readonly components: JsonSchema;
  readonly tags: readonly JsonSchema[];
}

const TAGS: { readonly [tag in Operation['tag']]: string } = {
  producers: 'Events come in.',
  devices: 'Devices register, are told, and say what they have.',
  operators: 'Health, figures and the console: on the internal port, but for plain health.',
  schemas: "The Avro schemas of an embedded pipeline, at a registry's paths; internal port.",
  sinks: 'What processes of the pipeline ask of each other; internal port.',
};
const DESCRIPTION =
  'All HTTP of the gateway. Errors have one form, with a code that docs/errors explains.';

const TOKEN =
  'Scopes stand in its `scope`. Where `auth.cookie` is set, a page may bring it as a cookie.';

/** What anybody can be told, whatever was asked. */
const OF_ALL: readonly ErrorCode[] = ['CAR717', 'CAR721', 'CAR726'];
const OF_TOKENS: readonly ErrorCode[] = [
  'CAR701',
  'CAR702',
  'CAR703',
  'CAR704',
  'CAR725',
  'CAR731',
  'CAR773',
  'CAR776',
];
const OF_PAGES: readonly ErrorCode[] = ['CAR729'];
const OF_BODIES: readonly ErrorCode[] = ['CAR707', 'CAR708', 'CAR742', 'CAR743'];
const OF_JSON: readonly ErrorCode[] = ['CAR709', 'CAR710'];

/** @param version that of Carillon */
export function openApiOf(
  operations: readonly Operation[],
  version: string,
  words: Words = RENO_WORDS,
): OpenApi {
  const paths: { [path: string]: { [method: string]: JsonSchema } } = {};
  for (const operation of operations) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method]: operationOf(operation) };
  }
  const bearer = { type: 'http', scheme: 'bearer' };
  const used = new Set(operations.map(({ tag }) => tag));
  return {
    openapi: '3.1.0',
    info: { title: 'Carillon', version, description: DESCRIPTION },
    paths,
    components: {
      schemas: { ...SHAPES, Registration: registrationShape(words) },
      securitySchemes: {
        token: { ...bearer, bearerFormat: 'JWT', description: TOKEN },
        internal: { ...bearer, description: 'The internal token of the deployment.' },
      },
    },
    tags: Object.entries(TAGS)
      .filter(([name]) => used.has(name as Operation['tag']))
      .map(([name, description]) => ({ name, description })),
  };
}

/** The codes that an operation can end in. */
export function errorsOf({ token, path, method, body, errors = [] }: Operation): ErrorCode[] {
  const codes = new Set<ErrorCode>(OF_ALL);
  const add = (more: readonly ErrorCode[], isSo: boolean) => {
    if (isSo) for (const code of more) codes.add(code);
  };
  add(OF_TOKENS, Array.isArray(token));
  add(['CAR701', 'CAR702'], token === 'internal');
  add(OF_PAGES, path.startsWith('/v1/'));
  add(OF_BODIES, body !== undefined || method !== 'get');
  add(OF_JSON, body?.type === 'application/json');
  add(errors, true);
  return [...codes].sort();
}

function operationOf(operation: Operation): JsonSchema {
  const { id, tag, summary, doc, token, body } = operation;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(doc === undefined ? {} : { description: doc }),
    ...securityOf(token),
    parameters: parametersOf(operation),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: responsesOf(operation),
  };
}

function securityOf(token: Operation['token']): JsonSchema {
  if (token === null) return { security: [] };
  if (token === 'internal') return { security: [{ internal: [] }] };
  return { security: [{ token: [] }], 'x-scopes': [...token, 'admin'] };
}

function parametersOf({ path, params = {}, query = {}, headers = {} }: Operation): JsonSchema[] {
  const one = (name: string, place: string, { doc, schema }: Parameter, required: boolean) => ({
    name,
    in: place,
    required,
    description: doc,
    schema,
  });
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  return [
    ...inPath.map((name) => one(name, 'path', params[name] ?? PARAMS[name]!, true)),
    ...Object.entries(query).map(([name, parameter]) => one(name, 'query', parameter, false)),
    ...Object.entries(headers).map(([name, parameter]) => one(name, 'header', parameter, false)),
  ];
}

const PARAMS: { readonly [name: string]: Parameter } = {
  deviceId: {
    doc: 'The device, as it was registered.',
    schema: { type: 'string', minLength: 1, maxLength: 128 },
  },
};

const contentOf = ({ type, schema }: Body) => ({ [type]: { schema } });

function responsesOf(operation: Operation): JsonSchema {
  const responses: { [status: string]: JsonSchema } = {};
  for (const [status, { doc, body }] of Object.entries(operation.answers)) {
    const content = body === undefined ? {} : { content: contentOf(body) };
    responses[status] = { description: doc, ...content };
  }
  for (const [status, codes] of byStatus(errorsOf(operation))) {
    const description = codes.map((code) => `${code}: ${ERROR_TABLE[code].what}`).join(' ');
    const content = { 'application/json': { schema: refTo('Problem') } };
    // Where an answer has this status already (health), that one is what is told.
    responses[status] ??= { description, ...headersOf(status), content };
  }
  return responses;
}

function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  return new Map([...Map.groupBy(codes, statusOf)].sort(([a], [b]) => a - b));
}

function headersOf(status: number): JsonSchema {
  const header = (name: string, description: string, type = 'string') => ({
    headers: { [name]: { description, schema: { type } } },
  });
  if (status === 429 || status === 503) {
    return header('Retry-After', 'Seconds to wait.', 'integer');
  }
  if (status === 401) return header('WWW-Authenticate', 'Bearer');
  return {};
}
