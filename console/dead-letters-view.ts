/** The newest dead letters: what is wrong with each, and how it is mended. */
import type { DeadLetter, DeadLetterGroup, DeadLettersAnswer } from './answers.ts';
import { ask } from './api.ts';
import { el, fill, table } from './elements.ts';
import { failure, sinceField } from './parts.ts';
import { type RedrivePanel, redrivePanel } from './redrive-panel.ts';
import type { View } from './view.ts';
import { compact, longCount, time } from './words.ts';

export function deadLettersView(): View {
  const found = el('div', { 'aria-live': 'polite' });
  const redrive = redrivePanel();
  const { field, agoMs } = sinceField();
  const look = async () => {
    redrive.leave();
    fill(found, el('p', { class: 'nothing' }, 'Looking…'));
    try {
      const answer = await ask<DeadLettersAnswer>('dead-letters', { ago: String(agoMs()) });
      fill(found, ...shown(answer, redrive));
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
  return { element: el('div', {}, form, redrive.element, found) };
}

function shown(answer: DeadLettersAnswer, redrive: RedrivePanel): Node[] {
  const { total, newest, unread } = answer;
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
    groupsTable(answer, redrive),
    el(
      'h2',
      {},
      newest.length < total ? `The newest ${newest.length}` : 'All of them, newest first',
    ),
    ...newest.map(letter),
  );
  return parts;
}

function groupsTable({ total, groups, since }: DeadLettersAnswer, redrive: RedrivePanel): Node {
  const back = ({ code, origin, canGoBack }: DeadLetterGroup) => {
    if (!canGoBack) return el('span', { class: 'nothing' }, 'cannot be sent back');
    const click = () => void redrive.look({ from: since, code, origin });
    const name = `Send back ${code} of ${origin}`;
    return el('button', { type: 'button', 'aria-label': name, click }, 'Send back…');
  };
  return table(
    `${longCount(total)} by reason and origin`,
    [
      { head: 'code', cell: ({ code, slug }) => `${code} ${slug}` },
      { head: 'from', whole: true, cell: ({ origin }) => el('code', {}, origin || '–') },
      { head: 'records', number: true, cell: ({ n }) => longCount(n) },
      { head: 'oldest', whole: true, cell: ({ first }) => time(first) },
      { head: 'newest', whole: true, cell: ({ last }) => time(last) },
      { head: 'after a mend', whole: true, cell: back },
    ],
    groups,
    '',
  );
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
