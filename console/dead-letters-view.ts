/** The newest dead letters: what is wrong with each, and how it is mended. */
import type { DeadLetter, DeadLettersAnswer } from './answers.ts';
import { ask } from './api.ts';
import { el, fill, table } from './elements.ts';
import { failure, sinceField } from './parts.ts';
import type { View } from './view.ts';
import { compact, longCount, time } from './words.ts';

export function deadLettersView(): View {
  const found = el('div', { 'aria-live': 'polite' });
  const { field, agoMs } = sinceField();
  const look = async () => {
    fill(found, el('p', { class: 'nothing' }, 'Looking…'));
    try {
      const answer = await ask<DeadLettersAnswer>('dead-letters', { ago: String(agoMs()) });
      fill(found, ...shown(answer));
    } catch (error) {
      fill(found, failure(error));
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void look();
  };
  field.addEventListener('change', () => void look());
  void look();
  const form = el('form', { submit }, 'Dead letters of', field, el('button', {}, 'Look again'));
  return { element: el('div', {}, form, found) };
}

function shown({ total, byCode, newest, unread }: DeadLettersAnswer): Node[] {
  if (total === 0 && unread.length === 0) {
    return [
      el('p', { class: 'nothing' }, 'There are none: all records of this time could be used.'),
    ];
  }
  const parts: Node[] = [];
  if (unread.length > 0) {
    parts.push(el('p', { class: 'warning' }, 'There was no time to read all of them.'));
  }
  parts.push(
    table(
      `${longCount(total)} by reason`,
      [
        { head: 'code', cell: ({ code, slug }) => `${code} ${slug}` },
        { head: 'records', number: true, cell: ({ n }) => longCount(n) },
        {
          head: 'sent back after a mend by',
          cell: ({ code }) => el('code', {}, `carillon redrive --reason ${code}`),
        },
      ],
      byCode,
      '',
    ),
    el(
      'h2',
      {},
      newest.length < total ? `The newest ${newest.length}` : 'All of them, newest first',
    ),
    ...newest.map(letter),
  );
  return parts;
}

function letter({ at, code, reason, mend, step, origin, key, value }: DeadLetter): HTMLElement {
  return el(
    'details',
    {},
    el('summary', {}, `${time(at)}  `, el('strong', {}, code), ` at ${step}: ${reason}`),
    el(
      'dl',
      {},
      ...[
        ['mend', mend],
        ['from', origin],
        ['key', key ?? '–'],
      ].flatMap(([name, words]) => [el('dt', {}, name), el('dd', {}, words)]),
      el('dt', {}, 'value'),
      el('dd', {}, el('code', {}, compact(value))),
    ),
  );
}
