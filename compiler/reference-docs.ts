/**
 * The reference of all steps and sinks as Markdown, from the same specs that the compiler checks
 * by.
 */
import type { Catalog, Option, Options, SinkSpec, StepSpec } from '../core/spec.ts';
import { kindsName } from './path-kinds.ts';

const KIND_DOCS: { readonly [kind: string]: string } = {
  duration: 'duration',
  time_of_day: 'time of day',
  time_zone: 'time zone',
  count: 'whole number',
  bytes: 'size',
  path: 'path',
  paths: 'list of paths',
  predicate: 'CEL, true or false',
  expression: 'CEL',
  expressions: 'names to CEL',
  aggregates: 'names to functions',
  durations: 'mapping of durations',
  one_of: 'choice',
  some_of: 'list of choices',
  priorities: 'list of priorities',
  device_classes: 'list of classes of device',
  table: 'table',
  stream: 'stream, or `stream.branch`',
  flag: 'true or false',
  text: 'text',
  secret: 'secret',
};

/** What a step's kind promises; the reader of a topology sees it nowhere else. */
const STEP_KINDS: { readonly [K in StepSpec['kind']]: string } = {
  each: 'Passes or drops each record.',
  expand: 'Makes any number of records of one.',
  timed: "Holds records, and lets them go on the task's clock.",
  operator: 'A stateless RxJS pipeline over batches.',
};

export function referenceDocs(catalog: Catalog): string {
  const byType = <T extends { readonly type: string }>(all: Iterable<T>): T[] =>
    [...all].sort((a, b) => (a.type < b.type ? -1 : 1));
  return [
    '# Steps and sinks',
    '',
    'Generated from the catalog by `npm run generate`; do not edit.',
    '',
    '## Steps',
    '',
    ...byType(catalog.steps.values()).flatMap(stepDocs),
    '## Sinks',
    '',
    'Each sink also takes `in_flight_max` (deliveries under way at once, 256), `rate_max` (a minute, none) and `timeout` (of one',
    'delivery, `5s`).',
    '',
    ...byType(catalog.sinks.values()).flatMap(sinkDocs),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function stepDocs(spec: StepSpec): string[] {
  const hasState = 'rows' in spec && spec.rows !== undefined;
  return [
    `### ${spec.type}`,
    '',
    spec.summary,
    '',
    ...(spec.description === undefined ? [] : [spec.description, '']),
    `${STEP_KINDS[spec.kind]}${hasState ? ' Keeps state, bound to its name.' : ''}`,
    '',
    ...optionDocs(spec.config),
    ...tableDocs('Drops as', spec.drops),
    ...tableDocs('Dead letters', spec.deadLetters),
    ...tableDocs('Counts', spec.counts),
    ...exampleDocs(spec.example),
  ];
}

function sinkDocs(spec: SinkSpec): string[] {
  return [
    `### ${spec.type}`,
    '',
    spec.summary,
    '',
    ...(spec.description === undefined ? [] : [spec.description, '']),
    ...optionDocs(spec.config),
    'It promises:',
    '',
    ...spec.promises.map((promise) => `- ${promise}`),
    '',
    ...exampleDocs(spec.example),
  ];
}

function optionDocs(options: Options): string[] {
  const entries = Object.entries(options);
  if (entries.length === 0) return ['No options.', ''];
  return [
    '| option | takes | default | what it says |',
    '|---|---|---|---|',
    ...entries.map(
      ([name, option]) =>
        `| \`${name}\` | ${KIND_DOCS[option.kind]}${takesOf(option)}${boundsOf(option)} | ${fallbackOf(option)} | ${cell(option.doc)}${choiceDocs(option.choices ?? option.parts)} |`,
    ),
    '',
  ];
}

function takesOf({ takes }: Option<unknown>): string {
  return takes === undefined ? '' : ` to ${kindsName(takes)}`;
}

function boundsOf({ min, max }: Option<unknown>): string {
  if (max !== undefined) return `, ${min ?? 0} to ${max}`;
  return min === undefined ? '' : `, at least ${min}`;
}

function fallbackOf({ required, fallback }: Option<unknown>): string {
  if (required) return 'needed';
  if (fallback === null || fallback === undefined) return 'none';
  return `\`${Array.isArray(fallback) ? `[${fallback.join(', ')}]` : String(fallback)}\``;
}

function choiceDocs(choices: Option<unknown>['choices']): string {
  if (choices === undefined) return '';
  const all = Object.entries(choices).map(([name, doc]) => `\`${name}\`: ${cell(doc)}`);
  return `<br>${all.join('<br>')}`;
}

function tableDocs(title: string, rows: Readonly<Record<string, string>> | undefined): string[] {
  const entries = Object.entries(rows ?? {});
  if (entries.length === 0) return [];
  return [`${title}:`, '', ...entries.map(([name, doc]) => `- \`${name}\`: ${doc}`), ''];
}

function exampleDocs(example: string): string[] {
  return ['```yaml', ...example.trimEnd().split('\n'), '```', ''];
}

/** A bar would end the cell. */
function cell(doc: string): string {
  return doc.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
