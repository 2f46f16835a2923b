/** Copies what is in the WAL into the file, beside the writer, each time it is told to. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const db = new DatabaseSync((workerData as { file: string }).file);
// PASSIVE waits for nobody and stops nobody: it copies what no reader needs to find in the WAL.
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
parentPort!.on('message', () => {
  checkpoint.get();
  parentPort!.postMessage('done');
});
