/** A backup becomes the data of a deployment again, once all of it has been read. */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkCopy } from '../../connectors/embedded/copy.ts';
import { DATABASE_FILE, lockFolder } from '../../connectors/embedded/database.ts';
import { privateFolder } from '../../connectors/embedded/private-files.ts';
import { makeFolder } from '../../connectors/make-folder.ts';
import { CarillonError } from '../../core/error.ts';
import type { Deployment } from '../deployment.ts';
import { SECRETS_FILE, unwritable } from '../secrets.ts';
import { checkEmbedded } from './check-embedded.ts';
import { copyPrivate } from './make-backup.ts';
import { type BackupFile, type Manifest, readManifest } from './manifest.ts';

/** What would be written over: data, its newest commits, and the secrets of their tokens. */
const DATA_FILES = [DATABASE_FILE, `${DATABASE_FILE}-wal`, SECRETS_FILE];

export interface Restored {
  readonly manifest: Manifest;
  /** Places of files that were not there, and are now. */
  readonly written: readonly string[];
  /** That say something else now, and were left as they are; their path in the backup. */
  readonly differing: readonly { readonly place: string; readonly path: string }[];
}

/**
 * Throws CAR970 for a backup that is not whole, CAR603 when its data cannot be used, CAR971 for a
 * deployment on Kafka, CAR972 when the data folder holds data, CAR602 when it is in use, CAR601.
 */
export async function restoreBackup(
  from: string,
  deployment: Deployment,
  folder: string,
): Promise<Restored> {
  const { dataFolder } = deployment;
  checkEmbedded(deployment);
  const manifest = await readManifest(from);
  checkCopy(join(from, DATABASE_FILE));
  try {
    privateFolder(dataFolder, DATA_FILES);
  } catch (cause) {
    throw unwritable(dataFolder, cause);
  }
  // A pipeline that starts meanwhile finds the folder in use, and not half of its data.
  const lock = lockFolder(dataFolder);
  try {
    const held = DATA_FILES.filter((name) => existsSync(join(dataFolder, name)));
    if (held.length > 0) {
      const what = `the data folder holds ${held.join(', ')} already.`;
      throw new CarillonError('CAR972', what, { where: { file: dataFolder } });
    }
    // The data last: without it there is nothing to start with.
    if (manifest.secrets) settle(join(from, SECRETS_FILE), join(dataFolder, SECRETS_FILE));
    settle(join(from, DATABASE_FILE), join(dataFolder, DATABASE_FILE));
  } finally {
    lock.close();
  }
  return { manifest, ...placeFiles(from, manifest.files, folder) };
}

function settle(from: string, to: string): void {
  const draft = `${to}.restoring`;
  try {
    copyPrivate(from, draft);
    renameSync(draft, to);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw unwritable(dirname(to), cause);
  }
}

function placeFiles(
  from: string,
  files: readonly BackupFile[],
  folder: string,
): Pick<Restored, 'written' | 'differing'> {
  const written: string[] = [];
  const differing: { place: string; path: string }[] = [];
  for (const { path, place } of files) {
    if (place === null || !isBelow(folder, place)) continue;
    const [is, was] = [resolve(folder, place), join(from, path)];
    if (!existsSync(is)) {
      makeFolder(dirname(is));
      copyPrivate(was, is);
      written.push(place);
    } else if (!readFileSync(is).equals(readFileSync(was))) differing.push({ place, path });
  }
  return { written, differing };
}

/** A backup may come from elsewhere: it writes nothing beside the folder that one stands in. */
function isBelow(folder: string, place: string): boolean {
  return resolve(folder, place).startsWith(`${resolve(folder)}/`);
}
