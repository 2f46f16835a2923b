/** Tables that are made of two others, on the logs of one process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import { derivedTableCases } from '../../test/contract/derived-tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-derived-'));
let logs = 0;
after(() => rmSync(folder, { recursive: true, force: true }));

/** All of a process have one log. */
const alone = <Log>(log: Log) => {
  return () => Promise.resolve(log);
};

derivedTableCases('memory', () => alone(new MemoryLog()), { together: false });
derivedTableCases(
  'SQLite',
  () => alone(openEmbeddedLog({ dir: join(folder, String(++logs)), clock: systemClock })),
  { together: false },
);
