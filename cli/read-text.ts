import { readFileSync } from 'node:fs';
import { CarillonError } from '../core/error.ts';

/** A file that somebody named, as UTF-8. `shown`: as they named it. Throws CAR902. */
export function readText(path: string, shown = path): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(shown, cause);
  }
}

/** CAR902, which says why a file cannot be read. */
export function unreadable(file: string, cause: unknown): CarillonError {
  const why = (cause as NodeJS.ErrnoException).code;
  const what =
    why === 'ENOENT'
      ? 'there is no such file.'
      : why === 'EISDIR'
        ? 'it is a folder.'
        : `it cannot be read (${why}).`;
  return new CarillonError('CAR902', what, { where: { file }, cause });
}
