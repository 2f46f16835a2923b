/**
 * Tables that are made of two others: `tables: { x: { from: { table: a, join: b, … } } }`. Each has
 * a topic of its own, that it is written to; who looks up in it reads that one, as of any table.
 */
import { createHash } from 'node:crypto';
import { anyTable } from '../core/more-options.ts';
import { isNot } from './cel-facts.ts';
import type { Scope } from './declarations.ts';
import { isEngineTopic } from './engine-tables.ts';
import { fieldName } from './given-shape.ts';
import { checkSides } from './key-checks.ts';
import type { DerivedTablePlan, TablePlan } from './plan.ts';
import { didYouMean, listed } from './report.ts';
import type { Placed, Section } from './section.ts';
import { type RecordShape, type Shape, shapeName, withoutNull } from './shape.ts';
import { checkFits } from './stream-checks.ts';
import { namedTable } from './table-option.ts';

const KEYS = ['table', 'join', 'by', 'type', 'as', 'own_as'];
const TYPES = ['inner', 'left', 'outer'] as const;
const ANY_TABLE = anyTable('');
/** Rows of it are read as lines, not as objects. */
const MEMBER_DEVICES = 'MemberDevices';

interface DerivedScope extends Scope {
  readonly tables: ReadonlyMap<string, TablePlan | null>;
}

interface Found {
  readonly plan: DerivedTablePlan;
  /** Of one that is made of itself nothing is known. */
  readonly checkRows: () => void;
}

/** One that could not be resolved is left out: that was told. */
export function resolveDerived(
  scope: DerivedScope,
  section: Section | undefined,
): readonly DerivedTablePlan[] {
  const found: Found[] = [];
  const ids = new Map<string, string>();
  const topics = new Map<string, string>();
  for (const { key: name } of section?.entries ?? []) {
    const part = section?.section(name)?.as(`table "${name}"`);
    if (part === undefined) continue;
    if (!part.has('from')) {
      const id = part.entry('id');
      const what = `${part.subject}: only a table that is made of others has an id.`;
      if (id !== undefined) scope.report.error('CAR104', id.keySpan, what, 'Take it out.');
      continue;
    }
    const id = idOf(scope, part, ids);
    const derived = derivedOf(scope, part, scope.tables.get(name) ?? null, id);
    if (derived === undefined) continue;
    isOwnTopic(scope, part, derived.plan.table, topics);
    found.push(derived);
  }
  const plans = found.map(({ plan }) => plan);
  const circular = checkCircles(scope, section, plans);
  for (const { plan, checkRows } of found) if (!circular.has(plan.table.name)) checkRows();
  return plans;
}

function idOf(scope: Scope, part: Section, ids: Map<string, string>): string | undefined {
  const id = part.neededText('id', 'Add a short `id:` that stays when the table is renamed.');
  if (id === undefined) return undefined;
  const other = ids.get(id.value);
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(id.value)) {
    scope.report.error('CAR108', id.span, `${part.subject}: "${id.value}" is not a name.`);
  } else if (other !== undefined) {
    const what = `${part.subject}: id "${id.value}" is that of ${other} already.`;
    scope.report.error('CAR208', id.span, what);
  }
  ids.set(id.value, part.subject);
  return id.value;
}

/** Two writers would overwrite each other's rows. */
function isOwnTopic(
  { report }: Scope,
  part: Section,
  { topic }: TablePlan,
  topics: Map<string, string>,
): void {
  const { span } = part.text('topic') ?? part;
  const other = topics.get(topic);
  topics.set(topic, part.subject);
  const writer = isEngineTopic(topic) ? 'the engine' : other;
  if (writer === undefined) return;
  report.error(
    'CAR291',
    span,
    `${part.subject}: topic "${topic}" is written by ${writer} already.`,
  );
}

function derivedOf(
  scope: DerivedScope,
  part: Section,
  table: TablePlan | null,
  id: string | undefined,
): Found | undefined {
  const { report } = scope;
  const from = part.section('from')?.as(`${part.subject}, from`).only(KEYS);
  if (from === undefined) return undefined;
  const left = sideOf(scope, from, 'table');
  const right = sideOf(scope, from, 'join');
  const chosen = from.choice('type', TYPES) ?? 'inner';
  const by = from.text('by');
  const as = from.neededText('as');
  const ownAs = from.text('own_as');
  const isNamed = [as, ownAs].every(
    (name) => name === undefined || fieldName(report, from.subject, name.value, name.span),
  );
  const typeSpan = from.text('type')?.span ?? from.span;
  // What is made by a foreign key is looked at as what was probably meant.
  const type = by !== undefined && chosen === 'outer' ? 'left' : chosen;
  if (type !== chosen) {
    const what = `${from.subject}: a right row that no left one names has no key here.`;
    report.error('CAR292', typeSpan, what);
  } else if (ownAs === undefined && type === 'outer') {
    const what = `${from.subject}: where there is only the right row, there are no fields of the left one.`;
    report.error('CAR263', typeSpan, what);
    return undefined;
  }
  if (left === undefined || right === undefined || as === undefined || !isNamed) return undefined;
  const shape = scope.schemas.named(from.subject, { value: left.schema, span: from.span });
  if (shape === undefined || table === null) return undefined;
  if (by !== undefined && !isForeignKey(scope, from, shape, by)) return undefined;
  if (by === undefined) checkSides(scope, from.subject, left, right, from.text('join')!.span);
  const names = { as: as.value, ownAs: ownAs?.value ?? null };
  const derived = { table, left, right, type, by: by?.value ?? null, ...names };
  return {
    plan: { ...derived, id: id ?? '', hash: hashOf(derived) },
    checkRows: () => checkRows(scope, part, from, shape, derived),
  };
}

function sideOf(scope: DerivedScope, from: Section, key: string): TablePlan | undefined {
  const name = from.neededText(key);
  if (name === undefined) return undefined;
  const table = namedTable(scope.report, from.subject, scope.tables, ANY_TABLE, name);
  if (table == null) return undefined;
  if (table.schema !== MEMBER_DEVICES) return table;
  const what = `${from.subject}: the devices of a member are many, and are told by fan_out.`;
  scope.report.error('CAR261', name.span, what);
  return undefined;
}

function isForeignKey(scope: Scope, from: Section, shape: RecordShape, by: Placed): boolean {
  const { report } = scope;
  const of = shape.fields.get(by.value);
  if (of === undefined) {
    const names = [...shape.fields.keys()];
    const what = `${from.subject}, by: ${shape.name} has no field "${by.value}".`;
    const mend = didYouMean(by.value, names, `Its fields: ${listed(names)}.`);
    report.error('CAR402', by.span, what, mend);
    return false;
  }
  const { kind } = withoutNull(of);
  if (kind === 'string' || kind === 'any') return true;
  const what = `${from.subject}, by: ${by.value} is a ${shapeName(of)}, and a key is a text.`;
  report.error('CAR403', by.span, what);
  return false;
}

type Made = Omit<DerivedTablePlan, 'id' | 'hash'>;

/** What is made fits the schema that is declared for it. */
function checkRows(
  scope: Scope,
  part: Section,
  from: Section,
  left: RecordShape,
  { table, left: of, right, type, as, ownAs }: Made,
): void {
  const { report, schemas } = scope;
  const span = from.text('as')?.span ?? from.span;
  const row = schemas.named(from.subject, { value: right.schema, span });
  const wanted = schemas.named(part.subject, { value: table.schema, span: part.span });
  if (row === undefined || wanted === undefined) return;
  const fields = new Map<string, Shape>(ownAs === null ? left.fields : []);
  if (ownAs !== null) fields.set(ownAs, type === 'outer' ? { kind: 'nullable', of: left } : left);
  if (fields.has(as)) {
    report.error('CAR280', span, `${from.subject}: as gives "${as}", which the left row has.`);
    return;
  }
  fields.set(as, type === 'inner' ? row : { kind: 'nullable', of: row });
  const sides = ownAs === null ? [as] : [ownAs, as];
  const isLeftKey = ownAs === null && table.key === of.key;
  if (fields.has(table.key) && !isLeftKey) {
    const key = part.text('key')?.span ?? part.span;
    const what = `${part.subject}, key: its rows have the keys of table "${of.name}", and "${table.key}" is another field.`;
    report.error('CAR293', key, what, `Write key: ${of.key}, or a field that nothing else gives.`);
    return;
  }
  fields.set(table.key, { kind: 'string' });
  const given: Shape = { kind: 'record', name: 'the row', fields, defaulted: new Set() };
  const schema = part.text('schema')?.span ?? part.span;
  // Where one of the sides may be null is told below, as an error.
  const known = new Set(sides.map((name) => isNot(`value.${name}`, 'null')));
  checkFits(scope, part.subject, schema, given, wanted, table.schema, known);
  for (const name of sides) {
    const [is, to] = [fields.get(name)!, wanted.fields.get(name)];
    if (to === undefined) continue;
    if (is.kind === 'nullable' && !mayBeNull(to)) {
      const what = `${part.subject}: its value does not fit ${table.schema}: "${name}" may be null.`;
      report.error(
        'CAR406',
        schema,
        what,
        `Let "${name}" be null in the schema, or join with type: inner.`,
      );
    }
    const subject = `${part.subject}, ${name}`;
    checkFits(scope, subject, schema, withoutNull(is), withoutNull(to), shapeName(withoutNull(to)));
  }
}

function mayBeNull(shape: Shape): boolean {
  return shape.kind === 'union' ? shape.hasNull : shape.kind === 'nullable' || shape.kind === 'any';
}

/** What is in a row, and when: its names of tables decide nothing. */
function hashOf({ table, left, right, type, by, as, ownAs }: Made): string {
  const of = [left, right, table].map(({ topic, schema, key }) => [topic, schema, key]);
  const text = JSON.stringify([of, type, by, as, ownAs]);
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** By topics, as two tables may read one. Gives the names of those in a circle. */
function checkCircles(
  { report }: Scope,
  section: Section | undefined,
  all: readonly DerivedTablePlan[],
): ReadonlySet<string> {
  const told = new Set<string>();
  for (const one of all) {
    const way = wayBack(all, one);
    if (way === undefined || way.some((name) => told.has(name))) continue;
    for (const name of way) told.add(name);
    const { name } = one.table;
    const span = section?.entry(name)?.keySpan ?? section?.span;
    if (span === undefined) continue;
    const what = `table "${name}": it is made of itself: ${[...way, name].join(' → ')}.`;
    report.error('CAR290', span, what);
  }
  return told;
}

/** The names from one to the one that reads it again; undefined: it does not come back. */
function wayBack(
  all: readonly DerivedTablePlan[],
  { table }: DerivedTablePlan,
): readonly string[] | undefined {
  const open: (readonly [topic: string, way: readonly string[]])[] = [[table.topic, [table.name]]];
  const seen = new Set<string>();
  for (const [topic, way] of open) {
    for (const next of all) {
      if (next.left.topic !== topic && next.right.topic !== topic) continue;
      if (next.table.topic === table.topic) return way;
      if (seen.has(next.table.topic)) continue;
      seen.add(next.table.topic);
      open.push([next.table.topic, [...way, next.table.name]]);
    }
  }
  return undefined;
}
