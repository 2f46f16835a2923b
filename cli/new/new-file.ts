/** Files that are made for somebody: all of them, or none. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CarillonError } from '../../core/error.ts';

export interface NewFile {
  /** From the folder that one stands in. */
  readonly path: string;
  readonly text: string;
}

/** Throws CAR949 for a file that is there already, CAR923 for one that cannot be written. */
export function writeNew(folder: string, files: readonly NewFile[]): void {
  for (const { path } of files) {
    if (!existsSync(join(folder, path))) continue;
    throw new CarillonError('CAR949', 'it is there already.', { where: { file: path } });
  }
  for (const { path, text } of files) write(folder, path, text, 'wx');
}

/** Throws CAR923. */
export function write(folder: string, path: string, text: string, flag: 'w' | 'wx' = 'w'): void {
  try {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { flag });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'no reason given';
    throw new CarillonError('CAR923', `it cannot be written (${why}).`, {
      where: { file: path },
      cause,
    });
  }
}
