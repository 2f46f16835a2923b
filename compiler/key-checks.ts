/**
 * Whether both sides of a join mean the same by their keys. Keys are texts, so any two can be
 * compared; where one side has the other's key beside its own, records meet by chance only.
 */
import type { Gives } from '../core/gives.ts';
import type { Scope } from './declarations.ts';
import { notKnown } from './origins.ts';
import type { TablePlan } from './plan.ts';
import type { Span } from './report.ts';
import type { Shape } from './shape.ts';
import type { ResolvedSource } from './sources.ts';
import type { ResolvedStep } from './steps.ts';

type KeyScope = Pick<Scope, 'report' | 'schemas' | 'words'>;

/** Of one part of a stream. */
export function checkKeys(
  scope: KeyScope,
  subject: string,
  steps: readonly ResolvedStep[],
  from: ResolvedSource,
): void {
  const own = keyPath(from);
  if (from.isPartial === true || own === undefined) return;
  for (const step of steps) {
    if (step.originOf === notKnown) continue;
    const of = `${subject}, ${step.name}`;
    if (step.spec.gives?.kind === 'joined') checkRow(scope, of, step, own);
    if (step.joined !== undefined) checkOther(scope, of, step, own, from.schema);
  }
}

/** `value.orderId`; undefined: only producers know, or it is put together. */
function keyPath({ member, keyedBy }: ResolvedSource): string | undefined {
  const path = member?.path ?? keyedBy ?? '';
  return /^value(?:\.\w+)+$/.test(path) ? path : undefined;
}

/**
 * The field of what was joined that repeats the key of the record; undefined: none is known to, or
 * what was joined may be missing.
 */
export function keyBeside(
  gives: Gives,
  { config, tables, joined }: Pick<ResolvedStep, 'config' | 'tables' | 'joined'>,
): string | undefined {
  if (!('type' in gives) || config[gives.type] !== 'inner') return undefined;
  if (gives.kind === 'joined') return tables[0]?.whole === true ? undefined : tables[0]?.key;
  const other = joined === undefined ? undefined : keyPath(joined.source);
  return other === undefined ? undefined : nameOf(other);
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);

const has = (shape: Shape | undefined, field: string) =>
  shape?.kind === 'record' && shape.fields.has(field);

/** `by` says that it is meant, and a table that is whole is looked up by anything. */
function checkRow(
  { report, schemas, words }: KeyScope,
  of: string,
  { tables, paths, comes, originOf, places, span }: ResolvedStep,
  own: string,
): void {
  const [table] = tables;
  const field = nameOf(own);
  if (table === undefined || table.whole === true || paths.has('by')) return;
  if (table.key === field) return;
  // That is an error of its own.
  if (table.key === 'deviceId' && field === words.fields.member) return;
  const place = places.get('table') ?? span;
  const origin = originOf(`value.${table.key}`);
  const isBeside = has(comes, table.key) && origin !== 'key' && origin !== own;
  const row = schemas.named(of, { value: table.schema, span: place });
  // Of a table whose key is broken that was told.
  if (!has(row, table.key) || !(isBeside || has(row, field))) return;
  const keys = `${of}: its records have the key ${own}, and rows of "${table.name}" ${table.key}`;
  const what = isBeside
    ? `${keys}, which the records have beside it: a row is found by chance.`
    : `${keys}, with ${field} beside it: a row is found by chance.`;
  const mend = isBeside
    ? `Give them that key: - rekey: { by: value.${table.key} } before it.`
    : `Join a table that is keyed by ${field}.`;
  report.warning('CAR325', place, what, `${mend} Or say that it is meant: by: key.`);
}

/** Of one schema, two fields may well be two roles of the same: money from and to an account. */
function checkOther(
  { report }: KeyScope,
  of: string,
  { joined, comes, originOf, places, span }: ResolvedStep,
  own: string,
  schema: string,
): void {
  const { source, upstream } = joined!;
  const other = keyPath(source);
  if (other === undefined || nameOf(other) === nameOf(own) || source.schema === schema) return;
  const origin = originOf(`value.${nameOf(other)}`);
  const hasOther = has(comes, nameOf(other)) && origin !== 'key' && origin !== own;
  if (!hasOther && !has(source.shape, nameOf(own))) return;
  const what =
    `${of}: its records have the key ${own}, and those of "${upstream.name}" ${other}, ` +
    `which ${hasOther ? 'the former' : 'the latter'} have beside it: they meet by chance.`;
  const mend = hasOther
    ? `Give them the same: - rekey: { by: value.${nameOf(other)} } before it.`
    : `Give the other the same: - rekey: { by: value.${nameOf(own)} } in "${upstream.name}".`;
  report.warning('CAR325', places.get('with') ?? span, what, mend);
}

/** Two tables whose rows are of one key. */
export function checkSides(
  { report, schemas }: Omit<KeyScope, 'words'>,
  subject: string,
  left: TablePlan,
  right: TablePlan,
  span: Span,
): void {
  if (left.key === right.key) return;
  const shapeOf = ({ schema: value }: TablePlan) => schemas.named(subject, { value, span });
  const isForeign = has(shapeOf(left), right.key);
  if (!isForeign && !has(shapeOf(right), left.key)) return;
  const [one, other] = isForeign ? [left, right] : [right, left];
  const what =
    `${subject}: rows of "${left.name}" have the key ${left.key}, and those of "${right.name}" ` +
    `${right.key}; rows of "${one.name}" have ${other.key} beside theirs: they meet by chance.`;
  const mend = isForeign
    ? `Write by: ${other.key}, the field that holds the key of the other.`
    : `Make it the other way round: table: ${one.name}, join: ${other.name}, by: ${other.key}.`;
  report.warning('CAR325', span, what, mend);
}
