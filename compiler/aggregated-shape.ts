/** The shape of an aggregate's results, and whether its windows can be at all. */
import { formatDuration } from '../core/duration.ts';
import type { Gives } from '../core/gives.ts';
import type { OptionScope } from './options.ts';
import { listed, type Span } from './report.ts';
import type { ResolvedOptions } from './resolved-options.ts';
import { ANY_SHAPE, type Shape, withoutNull } from './shape.ts';

type Aggregated = Gives & { readonly kind: 'aggregated' };

const TIME: Shape = { kind: 'int', bits: 64 };
/** Windows that one record is in; each is a row that it changes. */
const OVERLAP_MAX = 1_000;

export function aggregatedShape(
  scope: OptionScope,
  gives: Aggregated,
  resolved: ResolvedOptions,
  place: Span,
): Shape {
  const { report, subject } = scope;
  const { config, paths, places, names, sources } = resolved;
  const by = paths.get(gives.by)!;
  const windows = gives.windows.filter((name) => config[name] !== null);
  checkWindows(scope, windows, resolved, place);
  const isFinal = config[gives.emit] === 'final';
  if (isFinal && windows.length === 0) {
    const what = `${subject}: without windows nothing is ever final.`;
    report.error('CAR253', places.get(gives.emit) ?? place, what);
  }
  const fields = new Map<string, Shape>();
  for (const { reader, shape } of by.paths) {
    if (reader.path === 'key') continue;
    const name = reader.path.slice(reader.path.lastIndexOf('.') + 1);
    if (fields.has(name)) tellTwice(scope, gives.by, name, by.at);
    // Of a group no part is null.
    fields.set(name, withoutNull(shape));
    (sources as Map<string, string>).set(name, reader.path);
  }
  if (windows.length > 0) {
    for (const name of ['window_start', 'window_end']) addBound(scope, fields, name, TIME, by.at);
  }
  if (windows.includes('session') && !isFinal) {
    addBound(scope, fields, 'retracted', { kind: 'bool' }, by.at);
  }
  for (const [name, shape] of resolved.gives?.fields ?? []) {
    if (fields.has(name)) tellTwice(scope, gives.fields, name, names.get(name) ?? place);
    fields.set(name, shape);
  }
  if (resolved.gives === undefined) return ANY_SHAPE;
  return { kind: 'record', name: 'the aggregate', fields, defaulted: new Set() };
}

function addBound(
  scope: OptionScope,
  fields: Map<string, Shape>,
  name: string,
  shape: Shape,
  place: Span,
): void {
  if (fields.has(name)) tellTwice(scope, 'by', name, place);
  fields.set(name, shape);
}

function tellTwice({ report, subject }: OptionScope, option: string, name: string, span: Span) {
  const what = `${subject}: ${option} gives "${name}", which the result has already.`;
  report.error('CAR280', span, what);
}

function checkWindows(
  { report, subject }: OptionScope,
  windows: readonly string[],
  { config, places }: ResolvedOptions,
  place: Span,
): void {
  const [first, second] = windows;
  if (second !== undefined) {
    const what = `${subject}: it has windows of ${windows.length} kinds, ${listed(windows)}.`;
    report.error('CAR252', places.get(second) ?? place, what);
  }
  const { size, advance } =
    (config[first ?? ''] as { size?: number; advance?: number } | undefined) ?? {};
  if (size === undefined || advance === undefined) return;
  const span = places.get(first!) ?? place;
  const [is, by] = [formatDuration(size), formatDuration(advance)];
  if (advance > size) {
    const what = `${subject}: windows of ${is} that advance by ${by} leave out times between them.`;
    report.error('CAR256', span, what);
  } else if (size / advance > OVERLAP_MAX) {
    const what = `${subject}: windows of ${is} that advance by ${by} put each record into more than ${OVERLAP_MAX}.`;
    report.error('CAR256', span, what);
  }
}
