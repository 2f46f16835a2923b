/**
 * Pictures of topologies of all shapes: whole, legible (nothing on top of another), well-formed.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Plan } from '../../compiler/plan.ts';
import { lanesWith, planChanges, planOf } from '../../test/kit/drive.ts';
import { packageFolder } from '../version.ts';
import { type Description, describePlan } from './description.ts';
import { livePicture, picture } from './picture.ts';

const plain = (steps: readonly string[], doc = 'Plain.') => `topology: plain
doc: ${doc}
streams:
  plan-change:
    id: pl
    from: { topic: events.plan-change, schema: PlanChange, time: value.changedAt, id: value.eventId }
    steps:
${steps.map((step) => `      - ${step}\n`).join('')}    to: { topic: plans.kept, schema: PlanChange }
`;
const filters = (count: number, name = 'keep') =>
  Array.from({ length: count }, (_, n) => `{ name: ${name}-${n}, filter: { where: 'true' } }`);
const RENO = readFileSync(join(packageFolder, 'topology/reno.yaml'), 'utf8');
const OWN = readFileSync(
  join(packageFolder, 'cli/init/template/topology/my-pipeline.yaml'),
  'utf8',
);
const many = Array.from({ length: 60 }, (_, n) => planChanges({ name: `use-case-${n}` })).join('');

const shapes: readonly [what: string, text: string][] = [
  ['reno.yaml', RENO],
  [
    'the pipeline of init',
    OWN.replace(
      /schema: ParcelUpdate, time: value.occurredAt/,
      'schema: ViewingActivity, time: value.occurredAt',
    )
      .replaceAll('value.parcelId', 'value.titleId')
      .replace('value.status == "AT_THE_DOOR"', 'value.titleId == "AT_THE_DOOR"'),
  ],
  ['one step, no lanes', plain(filters(1))],
  ['thirty steps', plain(filters(30))],
  ['names of 60 characters', plain(filters(6, 'k'.repeat(58)))],
  ['markup in the words', plain(filters(2), '"<b>&amp; </svg>"')],
  [
    'a condition that is long',
    lanesWith(
      planChanges({
        priority: `{ as: low, unless: [{ when: 'value.planTo == "${'x'.repeat(200)}"', as: high }] }`,
      }),
    ),
  ],
  ['sixty use cases of one priority', lanesWith(many)],
  [
    'parts, branches and a merge',
    lanesWith(`  plan-change:
    id: pl
    priority: { as: high, unless: [{ when: 'value.planTo == "basic"', as: low }] }
    from: { topic: events.plan-change, schema: PlanChange }
    steps: [{ rekey: { by: value.eventId } }, { dedup: { by: [key], within: 1h } }]
    branch: [{ when: value.streamsMax > 1, as: many }, { as: rest }]
  back:
    id: bk
    from: { streams: [plan-change.rest] }
    steps: [{ rekey: { by: value.memberId } }]
  told:
    id: to
    from: { streams: [back] }
    steps: [{ fan_out: { table: devices } }]
    to: { lane: notifications }
  kept:
    id: kp
    from: { streams: [plan-change.many] }
    to: { topic: plans.kept, schema: PlanChange }
`),
  ],
  ['lanes of another name', lanesWith(planChanges({})).replaceAll('notifications', 'tellings')],
];

/** Wider is not read: rows go on in the next line. */
const WIDTH_MAX = 1_800;

interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const rectsOf = (svg: string, kind: string): Rect[] =>
  [
    ...svg.matchAll(
      /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="\d+" class="(\w+)"/g,
    ),
  ]
    .filter(([, , , , , of]) => of === kind)
    .map(([, x, y, width, height]) => ({ x: +x!, y: +y!, width: +width!, height: +height! }));

const meet = (a: Rect, b: Rect) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Every tag is closed, in order; no attribute and no text has a bare sign of markup in it. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, , self] of svg.matchAll(
    /<(\/?)([a-z]+)((?:\s[a-zA-Z:-]+="[^"<]*")*)(\/?)>/g,
  )) {
    if (slash === '/') assert.equal(open.pop(), name);
    else if (self !== '/') open.push(name!);
  }
  assert.deepEqual(open, []);
  const rest = svg.replaceAll(/<\/?[a-z]+(?:\s[a-zA-Z:-]+="[^"<]*")*\/?>/g, '');
  assert.doesNotMatch(rest, /[<>]|&(?!amp;|lt;|gt;|quot;)/);
}

function assertWhole(svg: string, described: Description): void {
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, words]) => words);
  const steps = described.subTopologies.flatMap(({ streams }) => streams.flatMap((of) => of.steps));
  const wanted = [
    ...described.subTopologies.flatMap(({ streams }) =>
      streams.flatMap((of) => [
        of.part === null ? of.name : `${of.name} behind ${of.part}`,
        of.topic ?? `from ${of.streams.join(', ')}`,
        ...of.branches.map(({ name }) => `→ ${name}`),
      ]),
    ),
    ...steps.flatMap(({ name, drops, tables }) => [
      name,
      ...drops.map((of) => `− ${of}`),
      ...tables,
    ]),
    ...described.sinks.map(({ name }) => name),
  ];
  assert.deepEqual(
    wanted.filter((words) => !texts.includes(words)),
    [],
  );
  const priorities = [...new Set(described.subTopologies.flatMap((sub) => sub.priority ?? []))];
  const cells = described.sinks.flatMap(({ lanes }) =>
    lanes.filter(({ priority }) => priorities.includes(priority)),
  );
  assert.equal(rectsOf(svg, 'pill').length, cells.length);
  assert.equal(rectsOf(svg, 'chip').length, steps.length);
}

for (const [what, text] of shapes) {
  test(`a picture of ${what}`, () => {
    const plan: Plan = planOf(text);
    const described = describePlan(plan);
    const svg = picture(described);
    assert.equal(svg, picture(described));
    assertWellFormed(svg);
    assertWhole(svg, described);
    const [page] = rectsOf(svg, 'page');
    assert.ok(page!.width <= WIDTH_MAX, `${page!.width} px wide`);
    const chips = rectsOf(svg, 'chip');
    const bands = rectsOf(svg, 'band');
    for (const [n, chip] of chips.entries()) {
      assert.ok(!chips.slice(n + 1).some((other) => meet(chip, other)), 'steps overlap');
      const within = bands.filter((band) => meet(chip, band));
      assert.equal(within.length, 1, 'a step is in one band');
      const { x, y, width, height } = within[0]!;
      assert.ok(
        chip.x >= x &&
          chip.x + chip.width <= x + width &&
          chip.y >= y &&
          chip.y + chip.height <= y + height,
      );
    }
    for (const [n, band] of bands.entries()) {
      assert.ok(!bands.slice(n + 1).some((other) => meet(band, other)), 'bands overlap');
      assert.ok(band.x + band.width <= page!.width && band.y + band.height <= page!.height);
    }
  });
}

/** What `livePicture` has places for, made from the description alone. */
function livePlaces({ subTopologies, sinks }: Description): string[] {
  const steps = subTopologies.flatMap(({ priority, streams }) =>
    streams.flatMap(({ name, steps }) =>
      steps.flatMap((step) => {
        const at = `${priority ?? ''}|${name}|${step.name}`;
        const held = step.store === null ? [] : [`held|${at}`];
        return [`in|${at}`, ...held, ...step.drops.map((reason) => `drop|${at}|${reason}`)];
      }),
    ),
  );
  const priorities = subTopologies.flatMap(({ priority }) => priority ?? []);
  const lanes = sinks.flatMap(({ name, lanes }) =>
    lanes
      .filter(({ priority }) => priorities.includes(priority))
      .flatMap(({ priority }) => [`told|${priority}|${name}`, `wait|${priority}|${name}`]),
  );
  return [...steps, ...lanes].sort();
}

for (const [what, text] of shapes) {
  test(`a live picture of ${what} has one place for each number`, () => {
    const described = describePlan(planOf(text));
    const svg = livePicture(described);
    assertWellFormed(svg);
    assertWhole(svg, described);
    assert.doesNotMatch(svg, /<style|style=/);
    const found = [...svg.matchAll(/<text [^>]* data-live="([^"]*)"><\/text>/g)]
      .map(([, key]) => key!)
      .sort();
    const groups = described.subTopologies.map(({ group }) => group);
    const lags = found.filter((key) => key.startsWith('lag|'));
    assert.deepEqual(lags.flatMap((key) => key.slice(4).split(',')).sort(), groups.sort());
    assert.deepEqual(
      found.filter((key) => !key.startsWith('lag|')),
      livePlaces(described),
    );
    assert.doesNotMatch(picture(described), /data-live/);
  });
}

test('as plain data: a stream that can give several priorities says which of its events', () => {
  const described = describePlan(planOf(RENO));
  const signals = described.subTopologies.flatMap(({ priority, streams }) =>
    streams.filter(({ name }) => name === 'diagnostic-signal').map(({ when }) => [priority, when]),
  );
  assert.deepEqual(signals, [
    ['critical', 'value.urgent'],
    ['low', 'not (value.urgent)'],
  ]);
  assert.deepEqual(JSON.parse(JSON.stringify(described)), described);
  const inbox = described.sinks.find(({ name }) => name === 'inbox')!;
  assert.deepEqual(inbox.lanes[0], {
    priority: 'critical',
    group: 'reno.sink.inbox.critical',
    topics: ['websocket', 'fcm', 'apns', 'inbox'].map((of) => `notifications.critical.${of}`),
  });
});

test('what makes a derived table stands in no band of streams', () => {
  const described = describePlan(planOf(plain(filters(1))));
  const [streams] = described.subTopologies;
  const of = { ...streams!, role: 'tables/md/right', group: 'made', streams: [] };
  assert.equal(
    picture({ ...described, subTopologies: [streams!, of] }),
    picture({ ...described, subTopologies: [streams!] }),
  );
});
