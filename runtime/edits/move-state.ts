/** Carries the rows of steps from where they were to where an edit has them. */
import type { EditableLog } from '../../core/log.ts';
import type { StoreEdit, StreamEdit } from './compare.ts';
import { joinRows, readRows, type StateRows, writeRows } from './state-rows.ts';

const NO_ROWS: StateRows = new Map();

/**
 * All is read before anything is written. What is written is the same when it is done again after a
 * crash: the changelogs of before are emptied last, in a round of their own.
 */
export async function moveState(
  log: EditableLog,
  edits: readonly StreamEdit[],
  nowMs: number,
): Promise<void> {
  const stores = edits.flatMap((edit) => edit.stores).filter(({ how }) => how !== 'keeps');
  if (stores.length === 0) return;
  const known = new Map<string, StateRows>();
  const rowsOf = async (changelog: string): Promise<StateRows> => {
    const rows = known.get(changelog) ?? (await readRows(log, changelog));
    known.set(changelog, rows);
    return rows;
  };
  const wanted = new Map<string, StateRows>();
  for (const { how, to, from } of stores) {
    if (to === null) continue;
    await rowsOf(to);
    if (how === 'begins' || how === 'resets') wanted.set(to, NO_ROWS);
    if (how === 'moves') wanted.set(to, await rowsOf(from!));
  }
  for (const { how, to, from } of stores) {
    if (how !== 'joins') continue;
    const has = wanted.get(to!) ?? (await rowsOf(to!));
    wanted.set(to!, joinRows(has, await rowsOf(from!)));
  }
  const producer = await log.producer();
  try {
    for (const [changelog, rows] of wanted) {
      await writeRows(producer, changelog, known.get(changelog)!, rows, nowMs);
    }
  } finally {
    await producer.close();
  }
}

/** Changelogs that nobody has any more, when the new topology stands. */
export async function emptyFormer(
  log: EditableLog,
  edits: readonly StreamEdit[],
  nowMs: number,
): Promise<void> {
  const stores: StoreEdit[] = edits.flatMap((edit) => [...edit.stores]);
  const used = new Set(stores.flatMap(({ to }) => to ?? []));
  const former = new Set(stores.flatMap(({ from }) => from ?? []).filter((one) => !used.has(one)));
  if (former.size === 0) return;
  const producer = await log.producer();
  try {
    for (const changelog of former) {
      await writeRows(producer, changelog, await readRows(log, changelog), NO_ROWS, nowMs);
    }
  } finally {
    await producer.close();
  }
}
