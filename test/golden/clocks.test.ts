/** What docs/guides/clocks.md shows is right, and its own test passes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessOf } from '../../cli/access.ts';
import { describePlan } from '../../cli/describe/description.ts';
import { picture } from '../../cli/describe/picture.ts';
import { runTopologyTest } from '../../cli/drive/topology-test-run.ts';
import { compile } from '../../compiler/compile.ts';
import { describe, mermaid } from '../../compiler/describe.ts';
import { render } from '../../compiler/render.ts';
import { parseTopologyTest } from '../../compiler/topology-test.ts';
import { read } from '../tidy/tree.ts';
import { catalog, schemas } from './example.ts';

const BLOCKS = [...read('docs/guides/clocks.md').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)];
const [topology = '', tests = ''] = BLOCKS.map(([, block]) => block!);

function planned() {
  const {
    plan,
    diagnostics,
    schemas: own,
  } = compile(topology, {
    ...{ file: 'mornings.yaml', catalog, schemas, env: {} },
  });
  if (plan === undefined || diagnostics.length > 0) {
    assert.fail(render(diagnostics, new Map([['mornings.yaml', topology]])));
  }
  return { plan, own };
}

test('the topology of the guide is right, and its tests pass', async () => {
  const { plan, own } = planned();
  const { test: parsed, diagnostics } = parseTopologyTest(tests, 'mornings.test.yaml', plan);
  assert.deepEqual(diagnostics, []);
  for (const { it, differences } of await runTopologyTest(parsed!, plan, own)) {
    assert.deepEqual(
      differences.map(({ sign, what }) => `${sign} ${what}`),
      [],
      it,
    );
  }
});

test('the clock is drawn: it reads what it writes, and its stream reads it', () => {
  const { plan } = planned();
  const [clock] = describe(plan).split('\n\n');
  assert.equal(
    clock,
    `Topologies:
   Sub-topology: 0 for streams/low/clock--gm (group: mornings.clock.gm)
    Source: good-morning/ticks (topics: [mornings.gm.ticks])
      --> good-morning/clock
    Processor: good-morning/clock (cron: 0 8 * * *, zone: Europe/Berlin, missed: latest)
      --> good-morning/clock:to
      <-- good-morning/ticks
    Sink: good-morning/clock:to (topic: mornings.gm.ticks)
      <-- good-morning/clock`,
  );
  const described = describePlan(plan);
  const stream = described.subTopologies.find(({ role }) => role === 'streams/low')!.streams[0]!;
  assert.deepEqual(stream.clock, { cron: '0 8 * * *', zone: 'Europe/Berlin', missed: 'latest' });
  assert.ok(picture(described).includes('clock 0 8 * * * Europe/Berlin'));
  assert.ok(mermaid(plan).includes('streams_low_clock__gm_clock --> t_mornings_gm_ticks'));
});

test('the role of a clock may write its topic and read it, and nothing else', () => {
  const { plan } = planned();
  const roles = accessOf(plan, { clientId: 'carillon', events: [] });
  const { grants } = roles.find(({ role }) => role === 'streams/low/clock--gm')!;
  const own = grants.filter(({ operations }) => operations.includes('Write'));
  assert.deepEqual(own.map(({ resource, name }) => `${resource} ${name}`).sort(), [
    'topic dead-letters',
    'topic mornings.gm.ticks',
    'transactional-id mornings.clock.gm-',
  ]);
});
