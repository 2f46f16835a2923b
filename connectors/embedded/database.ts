/**
 * The one SQLite file of an embedded deployment, `carillon.db` in the data folder, and the lock
 * that keeps a second process out.
 *
 * Durability: the file is in WAL mode. With `normal` (the default) a COMMIT is handed to the
 * operating system: it survives the death of the process (kill -9 included), but a power cut or a
 * crash of the machine may take the commits of the last seconds (the file stays whole; SQLite: "WAL
 * mode is always consistent with synchronous=NORMAL"). With `full` each COMMIT waits for the disk,
 * and a power cut takes nothing that was acknowledged; that costs one fsync a commit, at most one
 * every `commitMinMs`.
 */
import { readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CarillonError } from '../../core/error.ts';
import { privateFile, privateFolder } from './private-files.ts';
import { damageOf } from './wal-check.ts';

export const DATABASE_FILE = 'carillon.db';
const LOCK_FILE = 'carillon.lock';
/** Only for the message of CAR602: who holds the lock. */
const OWNER_FILE = 'carillon.owner';

/**
 * Raised when the tables change; a file with a higher one was written by a newer Carillon, and one
 * with a lower one is moved on (see former-file.ts).
 */
export const FORMAT = 2;
/** 'CRLN', so that `file` and we know the file. */
export const APPLICATION_ID = 0x43524c4e;

/**
 * Offsets of one partition lie in one range of the settled batches' integer key, `slot * 2^40 +
 * offset`: the table is clustered by partition and offset without an index beside it. 8191
 * partitions of 10^12 records fit in the 2^53 that a JavaScript number holds.
 */
export const SLOT_SPAN = 2 ** 40;
export const SLOTS_MAX = 8191;

/** The tables that came with format 2. */
export const NEW_TABLES = `
-- A row a COMMIT (see block.ts): of topics that are deleted by time, with the offsets that groups
-- have come to, and of compacted ones. bytes stands last, so that a scan over the heads does not
-- touch its overflow pages. appended_at is the log's own clock: retention keeps to it, so that a
-- producer with a wrong clock loses nothing.
CREATE TABLE blocks(
  id INTEGER PRIMARY KEY, appended_at INTEGER NOT NULL, head BLOB NOT NULL,
  bytes BLOB NOT NULL) STRICT;
CREATE TABLE changes(
  id INTEGER PRIMARY KEY, appended_at INTEGER NOT NULL, head BLOB NOT NULL,
  bytes BLOB NOT NULL) STRICT;
-- What groups have come to is in the table of offsets, up to the block that the mark 'offsets' names.
-- Rows lie in the order in which they came. inbox_keys sorts them by device, up to the row that the
-- mark 'inbox' names: sorting each row at once dirties a page of its own for each, and that was 5 KB
-- a row at 2,000 rows/s (see inbox-upkeep.ts).
CREATE TABLE inbox(
  id INTEGER PRIMARY KEY, key BLOB NOT NULL, expires_at INTEGER NOT NULL,
  body BLOB NOT NULL) STRICT;
CREATE TABLE inbox_keys(
  key BLOB NOT NULL PRIMARY KEY, row INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE marks(name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT;
`;

const TABLES = `
CREATE TABLE topics(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  cleanup TEXT NOT NULL, retention_ms INTEGER) STRICT;
-- floor_offset: the next offset is at least this, also when every record has gone; a topic that is
-- deleted by time begins there. clean_offset: below it, a compacted partition has each key once.
CREATE TABLE partitions(
  slot INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
  floor_offset INTEGER NOT NULL, clean_offset INTEGER NOT NULL DEFAULT 0,
  UNIQUE(topic_id, partition)) STRICT;
-- What is settled of compacted topics, by partition: id = slot * 2^40 + base offset; bytes is one
-- record batch.
CREATE TABLE batches(
  id INTEGER PRIMARY KEY, last_offset INTEGER NOT NULL, max_timestamp INTEGER NOT NULL,
  appended_at INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE offsets(
  grp TEXT NOT NULL, slot INTEGER NOT NULL, offset INTEGER NOT NULL, metadata TEXT NOT NULL,
  PRIMARY KEY(grp, slot)) STRICT, WITHOUT ROWID;
CREATE TABLE schemas(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE schema_versions(
  subject TEXT NOT NULL, version INTEGER NOT NULL, schema_id INTEGER NOT NULL,
  PRIMARY KEY(subject, version)) STRICT, WITHOUT ROWID;
CREATE TABLE inbox_cursors(
  device TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, cursor TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
`;

/** SQLite's primary result codes that say something of their own. */
const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
/** With less, no page of a file can be relied on. */
const FREE_BYTES_MIN = 256 * 1024;

export interface DatabaseOptions {
  readonly dir: string;
  readonly synchronous: 'normal' | 'full';
  /** The file's largest size, bytes; undefined: the disk's. Beyond it a write fails with CAR606. */
  readonly fileBytesMax: number | undefined;
}

export interface OpenDatabase {
  readonly db: DatabaseSync;
  /**
   * CAR603 when the file was removed or replaced since it was opened: SQLite would go on writing
   * into what nobody finds again. Undefined: it is there.
   */
  gone(): CarillonError | undefined;
  /**
   * Closes the file and gives the lock back. `isClean`: all that is in the WAL goes into the file
   * before, so that the one file is all there is.
   */
  close(isClean: boolean): void;
}

/**
 * Throws CAR601 (folder), CAR602 (in use), CAR603 (not our file, a newer or a damaged one) or
 * CAR613 (the disk is full).
 */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const { dir } = options;
  try {
    privateFolder(dir, [DATABASE_FILE]);
  } catch (cause) {
    throw folderError(dir, cause);
  }
  const lock = lockFolder(dir);
  const file = join(dir, DATABASE_FILE);
  let opened: DatabaseSync;
  try {
    const damage = damageOf(dir, DATABASE_FILE);
    if (damage !== undefined) throw unreadable(file, damage.why, undefined, damage.mend);
    opened = openFile(file, options);
  } catch (error) {
    lock.close();
    throw error;
  }
  const inode = inodeOf(file);
  return {
    db: opened,
    gone() {
      if (inodeOf(file) === inode) return undefined;
      return unreadable(file, 'it was removed or replaced while it was in use');
    },
    close(isClean) {
      try {
        // When it fails (a full disk, a reader that stays), the next start finds all in the WAL.
        if (isClean) opened.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
      } catch {
      } finally {
        opened.close();
        lock.close();
      }
    },
  };
}

/** Undefined: the file is not there. */
function inodeOf(file: string): bigint | undefined {
  return statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
}

/**
 * An open exclusive transaction on a file of its own. The operating system takes the lock away with
 * the process, however that dies, so it can never be stale; SQLite keeps it between threads as
 * well. Closing it gives it back. Throws CAR602.
 */
export function lockFolder(dir: string): DatabaseSync {
  let lock: DatabaseSync;
  try {
    privateFile(join(dir, LOCK_FILE));
    lock = new DatabaseSync(join(dir, LOCK_FILE));
  } catch (cause) {
    throw folderError(dir, cause);
  }
  try {
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
    // The owner's line is a courtesy to the reader of CAR602; the lock is what counts.
    privateFile(join(dir, OWNER_FILE));
    writeFileSync(join(dir, OWNER_FILE), `process ${process.pid}\n`);
    return lock;
  } catch (cause) {
    lock.close();
    if (resultCode(cause) !== SQLITE_BUSY) throw folderError(dir, cause);
    throw new CarillonError('CAR602', `The data folder ${dir} is in use by ${ownerOf(dir)}.`, {
      where: { at: dir },
      cause,
    });
  }
}

function ownerOf(dir: string): string {
  try {
    return readFileSync(join(dir, OWNER_FILE), 'utf8').trim();
  } catch {
    return 'another process';
  }
}

function folderError(dir: string, cause: unknown): CarillonError {
  const full = diskFullError(dir, cause);
  if (full !== undefined) return full;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CarillonError('CAR601', `The data folder ${dir} cannot be written: ${why}.`, {
    where: { at: dir },
    cause,
  });
}

function openFile(file: string, options: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync;
  try {
    privateFile(file);
    db = new DatabaseSync(file);
  } catch (cause) {
    throw folderError(options.dir, cause);
  }
  try {
    // Set before the first table. Measured: 2 KiB and 1 KiB pages cost 10 and 30 % more an inbox
    // row.
    db.exec(`PRAGMA page_size = 4096; PRAGMA journal_mode = WAL`);
    db.exec(`PRAGMA synchronous = ${options.synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
    // 128 MiB of cache hold the upper levels of all trees and the hot leaves of the inbox.
    db.exec('PRAGMA cache_size = -131072; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 2000');
    // A checkpoint writes each page once, however often it changed: the longer the WAL, the less
    // work. 65,536 pages are 256 MiB, which also bounds what is looked through at the next start.
    // Measured on the whole pipeline with 1,000,000 rows: 34 us of CPU an event, 50 with a quarter
    // of it.
    db.exec('PRAGMA wal_autocheckpoint = 65536; PRAGMA journal_size_limit = 268435456');
    if (options.fileBytesMax !== undefined) {
      db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(options.fileBytesMax / 4096))}`);
    }
    createTables(db, file);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof CarillonError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw diskFullError(options.dir, error) ?? unreadable(file, why, error);
  }
}

function createTables(db: DatabaseSync, file: string): void {
  const format = formatOf(db);
  const application = numberOf(db, 'application_id');
  if (format === 0 && application === 0) {
    if (db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined) {
      throw unreadable(file, 'it belongs to another program');
    }
    db.exec(`BEGIN; ${TABLES} ${NEW_TABLES}
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; COMMIT`);
    return;
  }
  if (application !== APPLICATION_ID) throw unreadable(file, 'it belongs to another program');
  if (format > FORMAT) {
    throw unreadable(file, `its format is ${format}, and this program knows ${FORMAT}`);
  }
}

/** The format of the tables in the file. */
export function formatOf(db: DatabaseSync): number {
  return numberOf(db, 'user_version');
}

function numberOf(db: DatabaseSync, pragma: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get()!)[0]);
}

function unreadable(file: string, why: string, cause?: unknown, mend?: string): CarillonError {
  return new CarillonError('CAR603', `The file ${file} cannot be used: ${why}.`, {
    where: { file },
    cause,
    ...(mend === undefined ? {} : { mend }),
  });
}

/** CAR613 when the disk is full; undefined: it is something else. */
export function diskFullError(dir: string, cause: unknown): CarillonError | undefined {
  const code = resultCode(cause);
  const isFull =
    code === SQLITE_FULL ||
    (cause as { code?: unknown } | null)?.code === 'ENOSPC' ||
    // A file that cannot be made or made longer is told as an error of some kind.
    ((code === SQLITE_IOERR || code === SQLITE_CANTOPEN) && freeBytes(dir) < FREE_BYTES_MIN);
  if (!isFull) return undefined;
  const what = `The disk of the data folder ${dir} is full: nothing can be written to it.`;
  return new CarillonError('CAR613', what, { where: { at: dir }, retryable: true, cause });
}

function freeBytes(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * What went wrong while writing, as CAR606. Disk full and I/O errors may pass; the rest does not.
 */
export function writeError(dir: string, cause: unknown): CarillonError {
  if (cause instanceof CarillonError) return cause;
  const code = resultCode(cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CarillonError('CAR606', `The log in ${dir} could not be written: ${why}.`, {
    where: { at: dir },
    retryable: code === SQLITE_FULL || code === SQLITE_IOERR || code === SQLITE_BUSY,
    cause,
  });
}

/** SQLite's primary result code (the low byte of the extended one), or undefined. */
function resultCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** SQLite hands blobs out as Uint8Array; a Buffer is a view on the same bytes. */
export function asBuffer(blob: unknown): Buffer {
  const bytes = blob as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
