/**
 * What is made of the name that somebody gives: lower-case words with hyphens, as files have it.
 */
import { isName, nameLike } from '../../compiler/declarations.ts';
import { CarillonError } from '../../core/error.ts';

/** Throws CAR949. */
export function mustBeName(name: string): void {
  if (isName(name)) return;
  const like = nameLike(name);
  throw new CarillonError('CAR949', `"${name}" cannot be the name of one.`, {
    where: { at: 'carillon new' },
    ...(like === undefined ? {} : { mend: `write ${like}.` }),
  });
}

/** `gate-city` → `gate_city`, as a topology names it. */
export const snake = (name: string) => name.replaceAll('-', '_');

/** `gate-city` → `GateCity`, as a schema is named. */
export const pascal = (name: string) =>
  `-${name}`.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
