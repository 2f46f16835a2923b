/** A question to the records that come: CEL over what is in flight. */
import type { LiveLine, LiveRecord, TopologyAnswer } from './answers.ts';
import { lines } from './api.ts';
import { el, fill } from './elements.ts';
import { failure } from './parts.ts';
import type { View } from './view.ts';
import { compact, longCount, time } from './words.ts';

/** Older ones leave the page. */
const SHOWN_MAX = 200;

export function liveView({ topics }: TopologyAnswer): View {
  const found = el('ol', { class: 'records', reversed: true });
  const said = el('p', { role: 'status' }, 'Nothing is read until you ask.');
  const where = el('input', {
    id: 'where',
    maxlength: 2_000,
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: "all; or CEL: value.planTo == 'premium' && key != 'm-1'",
  });
  const topic = topicField(topics);
  const button = el('button', {}, 'Follow');
  let stop: AbortController | null = null;
  const end = () => {
    stop?.abort();
    stop = null;
    button.textContent = 'Follow';
  };
  const follow = async () => {
    const mine = new AbortController();
    stop = mine;
    button.textContent = 'Stop';
    fill(found);
    said.textContent = 'Waiting for records…';
    const sums = { read: 0, matched: 0, unjudged: 0, leftOut: 0 };
    try {
      const query = { topic: topic.value === '' ? [] : [topic.value], where: where.value };
      for await (const line of lines<LiveLine>('live', query, mine.signal)) {
        for (const name of ['read', 'matched', 'unjudged', 'leftOut'] as const) {
          sums[name] += line[name];
        }
        for (const record of line.records) found.prepend(item(record));
        while (found.childElementCount > SHOWN_MAX) found.lastElementChild?.remove();
        said.textContent = wordsOf(sums, line);
      }
    } catch (error) {
      if (!mine.signal.aborted) fill(found, failure(error));
      if (!mine.signal.aborted) said.textContent = '';
    } finally {
      if (stop === mine) end();
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (stop === null) void follow();
    else end();
  };
  const form = el(
    'form',
    { submit },
    el('label', { for: 'topic' }, 'In'),
    topic,
    el('label', { for: 'where' }, 'where'),
    where,
    button,
  );
  return { element: el('div', {}, form, said, found), leave: end };
}

function topicField(topics: TopologyAnswer['topics']): HTMLSelectElement {
  const groups = new Map<string, string[]>();
  for (const { name, use } of topics) groups.set(use, [...(groups.get(use) ?? []), name]);
  const options = [...groups].map(([use, names]) =>
    el('optgroup', { label: use }, ...names.map((name) => el('option', { value: name }, name))),
  );
  return el('select', { id: 'topic' }, el('option', { value: '' }, 'all events'), ...options);
}

function item({ topic, partition, offset, at, key, value }: LiveRecord): HTMLElement {
  return el(
    'li',
    {},
    el('span', { class: 'place' }, `${time(at).slice(11)} ${topic}/${partition}@${offset}`),
    ' ',
    el('strong', {}, key ?? '–'),
    ' ',
    el('code', {}, value === null ? 'deleted' : compact(value)),
  );
}

interface Sums {
  readonly read: number;
  readonly matched: number;
  readonly unjudged: number;
  readonly leftOut: number;
}

function wordsOf({ read, matched, unjudged, leftOut }: Sums, { topics, end }: LiveLine): string {
  const parts = [`${longCount(matched)} of ${longCount(read)} records of ${topics.join(', ')}`];
  if (unjudged > 0) parts.push(`${longCount(unjudged)} have no such fields`);
  if (leftOut > 0) parts.push(`${longCount(leftOut)} are not shown, as too many came`);
  if (end !== undefined) parts.push(`ended: ${end}`);
  return parts.join(' · ');
}
