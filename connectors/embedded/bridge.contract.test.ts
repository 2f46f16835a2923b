import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { logContract } from '../../test/contract/log.ts';
import { BridgedLog } from './bridge.ts';

const WORKER = new URL('../../test/contract/log-worker.ts', import.meta.url);

function start(dir: string) {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(WORKER, { workerData: { dir, port: port2 }, transferList: [port2] });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, ended, log: new BridgedLog(port1) };
}

logContract('embedded over the bridge', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-bridge-'));
  let served = start(dir);
  const close = async () => {
    await served.log.close();
    await served.ended;
  };
  return {
    log: served.log,
    async reopen() {
      await close();
      served = start(dir);
      return served.log;
    },
    async crash() {
      await served.worker.terminate();
      served = start(dir);
      return served.log;
    },
    async close() {
      await close();
      rmSync(dir, { recursive: true });
    },
  };
});
