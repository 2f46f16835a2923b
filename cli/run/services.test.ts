import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SinkPlan } from '../../compiler/plan.ts';
import { systemClock } from '../../core/clock.ts';
import { RENO_PRIORITIES } from '../../core/priority.ts';
import { defineSink, type Sink, type SinkContext } from '../../core/spec.ts';
import { openSink } from './services.ts';

const silent: Sink = { probe: async () => {}, close: async () => {}, deliver: async () => [] };

function planOf(open: (context: SinkContext) => void): SinkPlan {
  const spec = defineSink({
    type: 'custom',
    summary: '',
    config: {},
    promises: [],
    batchMax: 1,
    needsOwner: false,
    example: '',
    open: async (_, context) => {
      open(context);
      return silent;
    },
  });
  return {
    name: 'mine',
    spec,
    config: {},
    lane: { order: RENO_PRIORITIES },
  } as unknown as SinkPlan;
}

test('a sink is given its settings and the services that there are', async () => {
  let seen: unknown;
  const plan = planOf((context) => {
    seen = [context.name, context.settings.key, context.service('payload')];
  });
  const payload = async () => 1;
  await openSink(plan, { clock: systemClock, payload }, { key: 'v' });
  assert.deepEqual(seen, ['mine', 'v', payload]);
});

for (const name of ['gateways', 'inbox', 'weather']) {
  test(`a service that is not wired is CAR941: ${name}`, async () => {
    const plan = planOf((context) => context.service(name));
    await assert.rejects(openSink(plan, { clock: systemClock }, {}), {
      code: 'CAR941',
      where: { at: 'mine' },
    });
  });
}
