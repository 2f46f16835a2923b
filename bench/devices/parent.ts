/** A server of the benchmark, and the program that started it. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FromServer, ToServer } from './talk.ts';

/** ns in a ms. */
const MS = 1e6;

export function tell(message: FromServer): void {
  process.send!(message);
}

export function serveParent(): void {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('message', (message: ToServer) => {
    if (message.do === 'gc') {
      for (let n = 0; n < 4; n++) globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      tell({ is: 'collected', heap: heapUsed + external });
    } else {
      tell({ is: 'delay', ms: delay.max / MS });
      delay.reset();
    }
  });
  process.on('disconnect', () => process.exit(0));
}
