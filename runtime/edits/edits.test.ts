/** The table of edits on the log in memory and on SQLite; on Kafka it is in the cluster ring. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openEmbeddedLog } from '../../connectors/embedded/log.ts';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { systemClock } from '../../core/clock.ts';
import { editCases } from '../../test/contract/edits.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-edits-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let logs = 0;

editCases('memory', async () => new MemoryLog());
editCases('SQLite', async () =>
  openEmbeddedLog({ dir: join(folder, String(++logs)), clock: systemClock }),
);
