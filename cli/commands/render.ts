/**
 * `carillon render`: what each push platform would get of a stream's notification, and its size.
 */
import type { Plan, StreamPlan } from '../../compiler/plan.ts';
import { ANY_SHAPE, type Shape, shapeOf, withoutNull } from '../../compiler/shape.ts';
import { systemClock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import { nearest } from '../../core/nearest.ts';
import type { DeviceNotification } from '../../core/notification.ts';
import type { PushPreview } from '../../core/preview.ts';
import { catalog } from '../catalog.ts';
import { SAMPLE_SCHEMAS, SampleEvents, type SampleType } from '../demo/sample-events.ts';
import { readDeployment } from '../deployment.ts';
import { type LoadedTopology, loadTopology } from '../load-topology.ts';
import { readText } from '../read-text.ts';
import { EXIT_OK } from '../show-error.ts';

export interface RenderOptions {
  readonly deployment?: string;
  /** A file with one event in JSON; true or absent: a made one. */
  readonly sample?: string | boolean;
  readonly locale?: string;
  readonly format: 'pretty' | 'json';
}

export async function render(name: string, options: RenderOptions): Promise<number> {
  const folder = process.cwd();
  const deployment = readDeployment({ file: options.deployment, folder, env: process.env });
  const loaded = await loadTopology(deployment, { folder, env: process.env });
  const { sample } = options;
  const given = typeof sample === 'string' ? parsed(sample, readText(sample, sample)) : undefined;
  const rendered = renderings(loaded, name, options.locale, given);
  const show = options.format === 'json' ? jsonLine : prettyText;
  process.stdout.write(rendered.map(show).join(options.format === 'json' ? '' : '\n'));
  return EXIT_OK;
}

export interface Rendering {
  readonly sink: string;
  readonly locale: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: it cannot be made to fit, and would be a dead letter. */
  readonly body: unknown;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hint: boolean;
}

/** Without a locale: in each that the stream's texts have. Throws CAR674. */
export function renderings(
  { plan, schemas }: LoadedTopology,
  name: string,
  locale: string | undefined,
  given: unknown,
): Rendering[] {
  const streams = plan.subTopologies.flatMap((sub) => sub.streams);
  const stream = streams.find((one) => one.name === name && one.to.kind === 'lane');
  if (stream === undefined) throw noSuchStream(name, streams);
  const { source, to } = stream;
  // Of a value that streams before it have given only the lane says the schema.
  const schema = source.projection.schema || (to.kind === 'lane' && to.schema) || '';
  const record = schemas.get(schema);
  const event = given ?? sampleEvent(schema, record === undefined ? ANY_SHAPE : shapeOf(record));
  const { show } = stream;
  const written = [...(show?.title?.keys() ?? []), ...(show?.body?.keys() ?? [])];
  const locales = locale === undefined ? [...new Set(written)] : [locale];
  if (locales.length === 0) locales.push('en');
  if (!plan.sinks.some(({ spec }) => spec.preview !== undefined)) throw noRenderingSink(plan);
  const rendered: Rendering[] = [];
  for (const { name: sink, spec, config } of plan.sinks) {
    for (const one of locales) {
      if (spec.preview === undefined) continue;
      const preview = spec.preview(config as never, previewOf(plan, stream, event, one));
      const none = { headers: {}, bytes: 0, bytesMax: 0, hint: false };
      const body = preview === undefined ? null : JSON.parse(preview.body);
      rendered.push({ sink, locale: one, ...(preview ?? none), body });
    }
  }
  return rendered;
}

function previewOf(
  { priorities, words: { texts } }: Plan,
  stream: StreamPlan,
  event: unknown,
  locale: string,
): PushPreview {
  const nowMs = systemClock.now();
  const collapses = stream.to.kind === 'lane' && stream.to.collapse.length > 0;
  const priority = priorities.nameOf(stream.priority!.as);
  const notification: DeviceNotification = {
    id: '00000000-0000-4000-8000-000000000000',
    deviceId: 'sample-device',
    epoch: 1,
    sequence: 1,
    previous: 0,
    useCase: stream.useCase,
    priority,
    deadline: 0,
    collapseKey: collapses ? 'sample' : null,
    count: 1,
    born: nowMs,
    payloadSchemaId: 1,
    payload: Buffer.alloc(0),
  };
  const { show } = stream;
  return { notification, event, show, priorities, texts, locale, token: '<token>', nowMs };
}

/** One of the demo's where it has that type; else each field says its name. */
export function sampleEvent(schema: string, shape: Shape): unknown {
  const known = (Object.keys(SAMPLE_SCHEMAS) as SampleType[]).find(
    (type) => SAMPLE_SCHEMAS[type] === schema,
  );
  if (known === undefined) return sampleOf('', shape);
  const options = { seed: 1, run: 'render', members: 12, types: [known], mistakes: false };
  return new SampleEvents(options).next(systemClock.now()).value;
}

function sampleOf(name: string, shape: Shape): unknown {
  const of = withoutNull(shape);
  if (of.kind === 'record') {
    return Object.fromEntries([...of.fields].map(([field, one]) => [field, sampleOf(field, one)]));
  }
  if (of.kind === 'enum') return of.symbols[0];
  if (of.kind === 'list') return [sampleOf(name, of.items)];
  if (of.kind === 'map') return {};
  if (of.kind === 'int') return 1;
  if (of.kind === 'double') return 1.5;
  if (of.kind === 'bool') return true;
  return of.kind === 'null' ? null : name;
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CarillonError('CAR674', `${file} is not one event in JSON.`, { where: { file } });
  }
}

function noSuchStream(name: string, streams: readonly StreamPlan[]): CarillonError {
  const names = streams.filter(({ to }) => to.kind === 'lane').map((one) => one.name);
  const near = nearest(name, names);
  return new CarillonError('CAR674', `there is no stream "${name}" that tells devices.`, {
    where: { at: 'carillon render' },
    mend: near === undefined ? streamsMend(names) : `did you mean "${near}"?`,
  });
}

const streamsMend = (names: readonly string[]) =>
  names.length === 0
    ? 'None of the streams writes to a lane (to: { lane: … }), so no device is told anything.'
    : `Streams: ${names.join(', ')}.`;

function noRenderingSink({ sinks }: Plan): CarillonError {
  const names = sinks.map((sink) => sink.name).join(', ');
  const types = [...catalog.sinks.values()].filter(({ preview }) => preview !== undefined);
  const what = `none of the sinks (${names}) shows a text on a platform.`;
  return new CarillonError('CAR674', what, {
    where: { at: 'carillon render' },
    mend: `Add a sink of a type that does: ${types.map(({ type }) => type).join(', ')}.`,
  });
}

function jsonLine(rendering: Rendering): string {
  return `${JSON.stringify(rendering)}\n`;
}

function prettyText({ sink, locale, headers, body, bytes, bytesMax, hint }: Rendering): string {
  if (body === null) return `${sink}, ${locale}: does not fit, even without its payload\n`;
  const size = `${bytes} of ${bytesMax} bytes${hint ? ', the payload does not fit: a hint to pull' : ''}`;
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`);
  const json = JSON.stringify(body, null, 2).replaceAll(/^/gm, '  ');
  return `${[`${sink}, ${locale}: ${size}`, ...lines, json].join('\n')}\n`;
}
