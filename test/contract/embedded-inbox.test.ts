import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedInbox } from '../../connectors/embedded/inbox.ts';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { HandClock } from '../../core/clock.ts';
import { INBOX_START_MS, inboxContract } from './inbox.ts';

inboxContract('embedded', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-inbox-'));
  const clock = new HandClock(INBOX_START_MS);
  let log = openEmbeddedLog({ dir, clock });
  return {
    store: openEmbeddedInbox(log),
    settle: () => log.committed(),
    async reopen() {
      await log.close();
      log = openEmbeddedLog({ dir, clock });
      return openEmbeddedInbox(log);
    },
    async cleanUp() {
      await log.close();
      rmSync(dir, { recursive: true });
    },
  };
});
