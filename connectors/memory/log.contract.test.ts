import { logContract } from '../../test/contract/log.ts';
import { MemoryLog } from './log.ts';

logContract('memory', async () => {
  const log = new MemoryLog();
  // It lives in one process: to open it again is to close its groups, to crash is to drop them.
  return {
    log,
    reopen: async () => {
      await log.close();
      return log;
    },
    crash: async () => {
      await log.forget();
      return log;
    },
    close: () => log.close(),
  };
});
