/**
 * A copy of the log's file as it is at one moment, while a pipeline writes it, and whether a copy
 * is whole. VACUUM INTO reads in one transaction, which in WAL mode holds no writer up, and leaves
 * out pages that nothing uses; SQLite's backup API would begin again at each commit of the other
 * process, and so never end (https://sqlite.org/lang_vacuum.html, c3ref/backup_finish.html).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import { APPLICATION_ID, DATABASE_FILE, diskFullError, FORMAT, formatOf } from './database.ts';
import { privateFile } from './private-files.ts';

const BUSY_MS = 10_000;

/**
 * False: the folder has no log. Throws CAR603 when it is none that this program reads, CAR613 when
 * the disk is full, CAR923 when the copy cannot be written.
 *
 * @param to a file that is not there yet; it is readable by its owner alone
 */
export function copyDatabase(dir: string, to: string): boolean {
  const file = join(dir, DATABASE_FILE);
  if (!existsSync(file)) return false;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    checkIsOurs(db, file);
    // SQLite takes an empty file, with the mode that it has.
    privateFile(to);
    db.prepare('VACUUM INTO ?').run(to);
    return true;
  } catch (cause) {
    if (cause instanceof CarillonError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const error = new CarillonError('CAR923', `the copy ${to} cannot be written: ${why}.`, {
      where: { file: to },
      cause,
    });
    throw diskFullError(to, cause) ?? error;
  } finally {
    db?.close();
  }
}

/** Reads all of a copy: each page, each row, each index. Throws CAR603. */
export function checkCopy(file: string): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    checkIsOurs(db, file);
    const found = Object.values(db.prepare('PRAGMA integrity_check(1)').get() ?? {})[0];
    if (found !== 'ok') throw unusable(file, String(found));
  } catch (cause) {
    if (cause instanceof CarillonError) throw cause;
    throw unusable(file, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    db?.close();
  }
}

function checkIsOurs(db: DatabaseSync, file: string): void {
  const application = Object.values(db.prepare('PRAGMA application_id').get()!)[0];
  if (application !== APPLICATION_ID) throw unusable(file, 'it belongs to another program');
  const format = formatOf(db);
  if (format > FORMAT) {
    throw unusable(file, `its format is ${format}, and this program knows ${FORMAT}`);
  }
}

function unusable(file: string, why: string, cause?: unknown): CarillonError {
  return new CarillonError('CAR603', `The file ${file} cannot be used: ${why}.`, {
    where: { file },
    cause,
  });
}
