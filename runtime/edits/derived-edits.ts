/**
 * What an edit means for tables that are made of others. Groups, state and what is on its way are
 * named by the id and the definition (`compiler/lower-derived.ts`), so another definition begins
 * anew, from the starts of what it is made of. In the topic, rows that it makes no more would stay.
 */
import type { Applied, AppliedDerived } from './applied.ts';
import type { Loss } from './stakes.ts';
import type { EditLine } from './words.ts';

export function derivedLosses(was: Applied | null, is: Applied): readonly Loss[] {
  return (is.derived ?? []).flatMap((one) => {
    const former = was?.derived?.find(({ topic }) => topic === one.topic);
    if (former === undefined || isSame(former, one)) return [];
    const what = `table "${one.table}" is made in another way, and rows of ${one.topic} that it makes no more would stay.`;
    return [
      {
        code: 'CAR294',
        of: one.table,
        step: 'from',
        changelog: '',
        count: 0,
        unit: 'rows',
        what,
      } as const,
    ];
  });
}

export function derivedLines(was: Applied | null, is: Applied): readonly EditLine[] {
  const line = (name: string, how: EditLine['how'], what: string): EditLine => {
    return { of: 'table', name, how, what };
  };
  const former = was?.derived ?? [];
  const lines = (is.derived ?? []).map((one) => {
    const { table, id } = one;
    const same = former.find((other) => isSame(other, one));
    if (same !== undefined) return line(table, 'keeps', 'its state');
    const isKnown = former.some((other) => other.id === id);
    return line(table, 'starts', isKnown ? 'anew: it is made in another way' : 'of all rows');
  });
  const ended = former.filter(({ id }) => !is.derived?.some((one) => one.id === id));
  return [...lines, ...ended.map(({ table }) => line(table, 'ends', 'its rows stay in its topic'))];
}

const isSame = (a: AppliedDerived, b: AppliedDerived) => a.id === b.id && a.hash === b.hash;
