/** Writes the fields of a record, one behind the other. */
import { under, type Write } from './out.ts';

export interface FieldWriter {
  readonly name: string;
  /** Every object has something of that name. */
  readonly isInherited: boolean;
  readonly write: Write;
  /** The default, for a field that is not there. */
  readonly fallback: (() => unknown) | undefined;
}

/**
 * Written as code, with the names of the fields in it: to look them up by names in variables costs
 * more than to write them. A field that a value has by inheritance alone, it has not.
 */
export function fieldsWriter(fields: readonly FieldWriter[]): Write {
  const lines = fields.map(({ name, isInherited, fallback }, n) => {
    const quoted = JSON.stringify(name);
    const isOwn = isInherited ? `!Object.hasOwn(value, ${quoted}) ? undefined : ` : '';
    const read = `n = ${n}; of = ${isOwn}value[${quoted}];`;
    const orElse = fallback === undefined ? '' : `if (of === undefined) of = fallback${n}();`;
    return `${read} ${orElse} put${n}(out, of);`;
  });
  const given = fields.flatMap(({ write, fallback }, n) => [
    [`put${n}`, write],
    [`fallback${n}`, fallback],
  ]) as [string, unknown][];
  const failed = (n: number, error: unknown) => under(fields[n]!.name, error);
  const code = [
    'return (out, value) => {',
    'let n = 0;',
    'let of;',
    'try {',
    ...lines,
    '} catch (error) { throw failed(n, error); }',
    '};',
  ];
  const names = given.map(([name]) => name);
  const make = new Function('failed', ...names, code.join('\n'));
  return make(failed, ...given.map(([, of]) => of)) as Write;
}
