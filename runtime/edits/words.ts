/** What an edit does, a line for each thing that does not stay as it was. */
import type { Comparison } from './comparison.ts';
import { of } from './stakes.ts';

export function wordsOf(found: Omit<Comparison, 'words'>): readonly string[] {
  const { streams, positions, lanes, stakes } = found;
  const lines: string[] = [];
  for (const edit of streams) {
    const { name, how, was, is } = edit;
    const groups = (list: typeof was) => list!.instances.map(({ group }) => group).join(', ');
    const mine = positions.filter((one) => one.edit === edit);
    const unread = mine.reduce((sum, one) => sum + one.unread, 0);
    const reads = `${of(unread, 'record')} to read`;
    if (how === 'starts') lines.push(`stream "${name}" starts in ${groups(is)}: ${reads}.`);
    if (how === 'moves' && edit.readsAnother) {
      lines.push(`stream "${name}" starts at ${is!.topic} in place of ${was!.topic}: ${reads}.`);
    } else if (how === 'moves') {
      lines.push(`stream "${name}" moves from ${groups(was)} to ${groups(is)}: ${reads}.`);
    }
    if (how === 'ends') lines.push(`stream "${name}" ends.`);
    for (const store of edit.stores) {
      const at = `step "${name}/${store.step}"`;
      if (store.how === 'resets') lines.push(`${at} begins with empty state: ${store.why}.`);
      if (store.how === 'ends' && is !== null) lines.push(`${at} ends (${store.from}).`);
      if (store.how === 'moves') lines.push(`${at} takes its state along to ${store.to}.`);
      if (store.how === 'begins' && how !== 'starts') lines.push(`${at} begins with empty state.`);
      if (store.how === 'joins') lines.push(`${at} learns what ${store.from} knows.`);
    }
  }
  for (const { stream, step, count } of stakes.releases) {
    lines.push(`step "${stream}/${step}" lets go of the ${of(count, 'event')} that it holds.`);
  }
  for (const { sink, priority, how, from, left } of lanes) {
    const at = `sink "${sink}" (${priority})`;
    if (how === 'starts') lines.push(`${at} starts.`);
    if (how === 'moves') lines.push(`${at} goes on where "${from!.sink}" was.`);
    if (how === 'ends') lines.push(`${at} reads ${left.join(', ')} no more.`);
  }
  return [...lines, ...stakes.losses.map(({ what, code }) => `${code} ${what}`)];
}
