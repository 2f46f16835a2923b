import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import { logContract } from '../../test/contract/log.ts';
import { openEmbeddedLog } from './log.ts';

logContract('embedded', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-log-'));
  let log = openEmbeddedLog({ dir, clock: systemClock });
  return {
    log,
    async reopen() {
      await log.close();
      log = openEmbeddedLog({ dir, clock: systemClock });
      return log;
    },
    async crash() {
      log.abandon();
      log = openEmbeddedLog({ dir, clock: systemClock });
      return log;
    },
    async close() {
      await log.close();
      rmSync(dir, { recursive: true });
    },
  };
});
