/** The field of a row that repeats the key of its record. */
import { didYouMean, listed, type Report } from './report.ts';
import type { Placed } from './section.ts';
import { type RecordShape, shapeName, withoutNull } from './shape.ts';
import { checkTableKey } from './use-checks.ts';

/** False: it was told that the engine keys such rows by something else. */
export function isRowKey(
  report: Report,
  subject: string,
  schema: string,
  shape: RecordShape,
  key: Placed,
): boolean {
  if (!shape.fields.has(key.value)) {
    const names = [...shape.fields.keys()];
    report.error(
      'CAR402',
      key.span,
      `${subject}, key: ${shape.name} has no field "${key.value}".`,
      didYouMean(key.value, names, `Its fields: ${listed(names)}.`),
    );
    return true;
  }
  if (!checkTableKey(report, subject, schema, key)) return false;
  const ofKey = withoutNull(shape.fields.get(key.value)!);
  if (ofKey.kind !== 'string' && ofKey.kind !== 'any') {
    const what = `${subject}, key: ${key.value} is a ${shapeName(ofKey)}, and a key is a text.`;
    report.error('CAR403', key.span, what);
  }
  return true;
}

/** A row is found by the key of its record, which is never null. */
export function checkKeyIsThere(
  report: Report,
  subject: string,
  { fields }: RecordShape,
  { value, span }: Placed,
): void {
  const of = fields.get(value);
  const isText = of?.kind === 'nullable' && withoutNull(of).kind === 'string';
  if (!isText && of?.kind !== 'null') return;
  const what =
    `${subject}, key: ${value} is ${of.kind === 'null' ? 'always null' : `a ${shapeName(of)}`}, and no key is null: ` +
    'a row with null there is found by the key of its record alone.';
  const others = [...fields].flatMap(([name, { kind }]) => (kind === 'string' ? [name] : []));
  const mend = `Name a field that always has a value: ${listed(others)}.`;
  report.warning('CAR328', span, what, others.length === 0 ? undefined : mend);
}
