/**
 * Two workers of node:cluster, each with a gateway on fakes, on one public port: a program that a
 * test runs. It prints where each listens, a line of JSON, and ends when its input does; a worker
 * whose pid is written to it drains.
 */
import cluster from 'node:cluster';
import { createInterface } from 'node:readline';
import { Bench } from './gateway-bench.ts';

export interface SharedPort {
  readonly pid: number;
  readonly url: string;
  readonly internalUrl: string;
}

/** Known to each. */
export const DEVICES = Array.from({ length: 12 }, (_, n) => `tv-${n}`);

function listen(): void {
  for (let n = 0; n < 2; n++) {
    cluster.fork().on('message', (told) => process.stdout.write(`${JSON.stringify(told)}\n`));
  }
  const lines = createInterface(process.stdin);
  lines.on('line', (pid) => process.kill(Number(pid), 'SIGTERM'));
  lines.on('close', () => process.exit(0));
}

async function serve(): Promise<void> {
  const internal = { host: '127.0.0.1', port: 0 };
  const bench = await Bench.open({ internal, gatewayId: `gateway-${process.pid}` });
  for (const device of DEVICES) await bench.own(device);
  process.once('SIGTERM', () => void bench.gateway.close().then(() => process.disconnect()));
  const { url, internalUrl } = bench.gateway;
  const told: SharedPort = { pid: process.pid, url, internalUrl };
  process.send!(told);
}

if (import.meta.main) {
  if (cluster.isPrimary) listen();
  else await serve();
}
