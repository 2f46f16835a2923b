/** Copies what is in the WAL into the file, beside the writer, each time it is told to. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { WalIndex } from './wal-index.ts';

const { file } = workerData as { file: string };
const db = new DatabaseSync(file);
const index = new WalIndex(file);
// PASSIVE waits for nobody and stops nobody: it copies what no reader needs to find in the WAL.
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
parentPort!.on('message', (message: 'checkpoint' | 'stop') => {
  if (message === 'stop') {
    index.close();
    db.close();
    parentPort!.close();
    return;
  }
  const before = index.copied();
  checkpoint.get();
  const after = index.copied();
  parentPort!.postMessage(after > before ? index.pageBytes(before, after) : 0);
});
