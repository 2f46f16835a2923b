/**
 * Files that hold push tokens and what members did are for their owner alone: 0600, and their
 * folder
 * 0700. SQLite gives its WAL the mode of the file, so the file is made before SQLite opens it. On
 * systems without modes nothing happens.
 */
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../make-folder.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** What SQLite puts beside a file. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/**
 * Makes the folder; one that is there is made private when it is a data folder already, i.e. holds
 * one of the files, and otherwise left as it is: it may be anybody's.
 */
export function privateFolder(dir: string, files: readonly string[]): void {
  makeFolder(dir, FOLDER_MODE);
  if (files.some((name) => existsSync(join(dir, name)))) tighten(dir, FOLDER_MODE);
}

/** Makes the file, empty, when it is not there, and makes it private. */
export function privateFile(file: string): void {
  closeSync(openSync(file, 'a', FILE_MODE));
  for (const beside of BESIDE) {
    if (existsSync(file + beside)) tighten(file + beside, FILE_MODE);
  }
}

/** Of another owner's file it is for that owner to say who reads it. */
function tighten(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}
