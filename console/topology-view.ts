/** The topology as it is now: the picture with its numbers, and all of them in tables. */
import type { FlowAnswer, LaneCounts, StepCounts, TopologyAnswer } from './answers.ts';
import { el, fill, table } from './elements.ts';
import { ageAt, type FlowHistory, givenTo, shownBy, sumOf, toldBy } from './rates.ts';
import type { View } from './view.ts';
import { longCount, pairs, shortCount, shortRate, span } from './words.ts';

export function topologyView(topology: TopologyAnswer, history: FlowHistory): View {
  const frame = el('div', {
    class: 'picture scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Picture',
  });
  frame.append(svgOf(topology.picture));
  const places = [...frame.querySelectorAll<SVGTextElement>('[data-live]')];
  const tables = el('div', {});
  const shown = shownBy(history, { rate: shortRate, count: shortCount });
  const draw = () => {
    for (const place of places) {
      const text = shown(place.dataset.live ?? '');
      if (place.textContent !== text) place.textContent = text;
    }
    const { last } = history;
    if (last !== undefined) fill(tables, ...tablesOf(last, history));
  };
  draw();
  return { element: el('div', {}, frame, tables), onFlow: draw };
}

function svgOf(text: string): Node {
  const { documentElement } = new DOMParser().parseFromString(text, 'image/svg+xml');
  return document.importNode(documentElement, true);
}

function tablesOf(flow: FlowAnswer, history: FlowHistory): HTMLElement[] {
  const lags = [...flow.lags].filter(({ lag }) => lag > 0).sort((a, b) => b.lag - a.lag);
  return [
    stepsTable(flow, history),
    lanesTable(flow, history),
    table(
      'Behind the end of their topics',
      [
        { head: 'group', cell: ({ group }) => group },
        { head: 'topic', cell: ({ topic }) => topic },
        { head: 'records', number: true, cell: ({ lag }) => longCount(lag) },
      ],
      lags,
      'No group is behind.',
    ),
    ...(flow.missed.length === 0 ? [] : [missedTable(flow)]),
  ];
}

function missedTable({ missed }: FlowAnswer): HTMLElement {
  return table(
    'Deleted before they were read',
    [
      { head: 'group', cell: ({ group }) => group },
      { head: 'topic', cell: ({ topic }) => topic },
      { head: 'records', number: true, cell: ({ offsets }) => longCount(offsets) },
    ],
    missed,
    '',
  );
}

const same = (a: StepCounts, b: StepCounts) =>
  a.stream === b.stream && a.priority === b.priority && a.step === b.step;

function stepsTable({ steps, lanes }: FlowAnswer, history: FlowHistory): HTMLElement {
  const isSink = ({ stream }: StepCounts) => lanes.some(({ sink }) => sink === stream);
  // Streams come first, and sinks after them, as in the picture.
  const rows = [...steps].sort((a, b) => Number(isSink(a)) - Number(isSink(b)));
  const rateOf = (row: StepCounts, read: (step: StepCounts) => number) => {
    const rate = history.rate((answer) => {
      const found = answer.steps.find((one) => same(one, row));
      return found === undefined ? 0 : read(found);
    });
    return shortRate(rate);
  };
  return table<StepCounts>(
    'Steps',
    [
      { head: 'stream', cell: ({ stream }) => stream },
      { head: 'priority', cell: ({ priority }) => priority ?? '' },
      { head: 'step', cell: ({ step }) => step },
      { head: 'in/s', number: true, cell: (row) => rateOf(row, givenTo) },
      { head: 'in', number: true, cell: (row) => longCount(givenTo(row)) },
      { head: 'out', number: true, cell: ({ out }) => longCount(out) },
      { head: 'held', number: true, cell: ({ held }) => longCount(held) },
      {
        head: 'dropped',
        cell: ({ dropped: { other_priority: _, ...dropped } }) => pairs(dropped),
      },
      {
        head: 'dead letters',
        cell: ({ deadLettered }) =>
          sumOf(deadLettered) === 0 ? '' : el('strong', {}, pairs(deadLettered)),
      },
    ],
    rows,
    'No task runs here.',
  );
}

function lanesTable({ lanes, ageBoundsMs }: FlowAnswer, history: FlowHistory): HTMLElement {
  const ofLane = (row: LaneCounts) => (answer: FlowAnswer) => {
    const found = answer.lanes.find(
      ({ sink, priority }) => sink === row.sink && priority === row.priority,
    );
    return found === undefined ? 0 : toldBy(found);
  };
  const age = (row: LaneCounts, quantile: number) => {
    const ms = ageAt([row], ageBoundsMs, quantile);
    return ms === undefined ? '' : `≤ ${span(ms)}`.replace('≤ >', '>');
  };
  return table<LaneCounts>(
    'Lanes',
    [
      { head: 'sink', cell: ({ sink }) => sink },
      { head: 'priority', cell: ({ priority }) => priority },
      { head: 'told/s', number: true, cell: (row) => shortRate(history.rate(ofLane(row))) },
      { head: 'told', number: true, cell: (row) => longCount(toldBy(row)) },
      { head: 'under way', number: true, cell: ({ inFlight }) => longCount(inFlight) },
      { head: 'waiting', number: true, cell: ({ waiting }) => longCount(waiting) },
      { head: 'age p50', number: true, cell: (row) => age(row, 0.5) },
      { head: 'age p99', number: true, cell: (row) => age(row, 0.99) },
      { head: 'other outcomes', cell: ({ outcomes: { delivered: _, ...rest } }) => pairs(rest) },
    ],
    lanes,
    'No sink runs here.',
  );
}
