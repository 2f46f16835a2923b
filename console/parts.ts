/** Pieces that several views have. */
import { Refused } from './api.ts';
import { el } from './elements.ts';

const HOUR_MS = 3_600_000;
const SPANS: readonly (readonly [words: string, ms: number])[] = [
  ['the last hour', HOUR_MS],
  ['the last day', 24 * HOUR_MS],
  ['the last week', 7 * 24 * HOUR_MS],
];

/** How far to look back. */
export function sinceField(): { readonly field: HTMLElement; readonly agoMs: () => number } {
  const select = el(
    'select',
    { 'aria-label': 'How far back' },
    ...SPANS.map(([words, ms]) => el('option', { value: ms }, words)),
  );
  return { field: select, agoMs: () => Number(select.value) };
}

export function failure(error: unknown): HTMLElement {
  const words = error instanceof Error ? error.message : String(error);
  const mend = error instanceof Refused && error.mend !== '' ? error.mend : null;
  return el(
    'div',
    { class: 'warning', role: 'alert' },
    el('p', {}, words),
    mend && el('p', {}, mend),
  );
}
