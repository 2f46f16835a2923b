/** `--where`: an expression over a record's value, key and timestamp. */
import { CelCompiler } from '../compiler/cel.ts';
import type { Shape } from '../compiler/shape.ts';
import { CarillonError } from '../core/error.ts';
import type { Record } from '../core/record.ts';
import type { Expression } from '../core/spec.ts';
import type { DecodedRecord } from './show-record.ts';

export type Matcher = (record: Record, decoded: DecodedRecord) => boolean | undefined;

/**
 * Throws the compiler's own code for an expression that is wrong. Undefined: it fails on a record.
 */
export function matcherOf(source: string | undefined, shape: Shape): Matcher {
  if (source === undefined) return () => true;
  const compiled = new CelCompiler().compile(source, shape);
  if ('code' in compiled) {
    const column = compiled.at === undefined ? undefined : compiled.at.start + 1;
    throw new CarillonError(compiled.code, compiled.what, {
      where: { at: column === undefined ? '--where' : `--where, character ${column}` },
      ...(compiled.mend === undefined ? {} : { mend: compiled.mend }),
    });
  }
  if (compiled.type !== 'bool' && compiled.type !== 'dyn') {
    throw new CarillonError('CAR312', `--where gives ${compiled.type}, not true or false.`, {
      where: { at: '--where' },
    });
  }
  const expression = compiled.expression as Expression<boolean>;
  return (record, decoded) => {
    if (decoded.raw !== undefined || decoded.value === null) return undefined;
    record.value = decoded.value;
    try {
      return expression.evaluate(record) === true;
    } catch {
      return undefined;
    }
  };
}
