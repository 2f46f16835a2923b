/**
 * What stands in the way of an edit: others in the groups, a text of before, a drain that hangs.
 */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { MemoryLog } from '../../connectors/memory/log.ts';
import { CarillonError } from '../../core/error.ts';
import type { EditableLog, LogPositions } from '../../core/log.ts';
import { lanesWith, planOf } from '../../test/kit/drive.ts';
import { closePipelines, EditedPipeline, streamText } from '../../test/kit/edited-pipeline.ts';
import { appliedOf, appliedTopic, decodeApplied, encodeApplied, isSameApplied } from './applied.ts';
import { moving } from './moving.ts';

afterEach(closePipelines);

const COALESCE = 'coalesce: { by: [value.memberId], quiet: 10m, at_most: 1h }';
const x = (priority: string, ...steps: string[]) =>
  lanesWith(streamText({ id: 'x', priority: `{ as: ${priority} }`, steps }));

/** A log whose positions do some things otherwise. */
function logWith(over: (positions: LogPositions) => Partial<LogPositions>): EditableLog {
  const log = new MemoryLog();
  const positions = { ...log.positions, ...over(log.positions) };
  return new Proxy(log, {
    get(of, name) {
      if (name === 'positions') return positions;
      const value = Reflect.get(of, name, of) as unknown;
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

async function started(log: EditableLog, text: string): Promise<EditedPipeline> {
  const pipeline = new EditedPipeline(log);
  await pipeline.prepare(text);
  await pipeline.devices(['m-1']);
  await pipeline.start(text);
  return pipeline;
}

test('an edit that moves is refused while others are in the groups; one that does not is not', async () => {
  let members = 0;
  const p = await started(
    logWith(() => ({ members: async () => members })),
    x('normal'),
  );
  await p.post(['e1']);
  await p.stop();
  members = 2;
  await assert.rejects(p.start(x('high')), (error: CarillonError) => {
    assert.deepEqual([error.code, error.retryable], ['CAR653', true]);
    assert.match(error.what, /t\.streams\.(normal|high) has 2 member/);
    return true;
  });
  await p.start(x('normal', 'filter: { where: "value.planTo != \'none\'" }'));
  await p.post(['e2']);
  await p.stop();
  members = 0;
  await p.start(x('high'));
  await p.post(['e3']);
  await p.stop();
  assert.deepEqual(await p.told(), ['x high e3', 'x normal e1', 'x normal e2']);
  await p.end();
});

test('who has lost its turn writes nothing more', async () => {
  const lost = new CarillonError('CAR654', 'Another process applies the topology now.');
  let turns = 0;
  const log = logWith(() => ({
    alone: (_topic, _isDone, body) =>
      body(() => {
        if (++turns === 4) throw lost;
      }),
  }));
  const p = await started(log, x('normal'));
  await p.post(['e1']);
  await p.stop();
  await assert.rejects(p.start(x('high')), { code: 'CAR654' });
  await p.start(x('normal'));
  await p.post(['e2']);
  await p.stop();
  assert.deepEqual(await p.told(), ['x normal e1', 'x normal e2'], 'the former one still stands');
  await p.end();
});

test('a former text that does not compile any more cannot be drained, but dropped', async () => {
  const p = await started(new MemoryLog(), x('normal', COALESCE));
  await p.post(['e1']);
  await p.stop();
  p.forgetsTexts = true;
  await assert.rejects(p.start(x('normal'), 'drain'), (error: CarillonError) => {
    assert.equal(error.code, 'CAR814');
    assert.match(error.what, /schema/);
    return true;
  });
  await p.start(x('normal'), 'drop');
  assert.equal(p.dropped('x', 'coalesce', 'step_removed'), 1);
  await p.end();
});

test('a drain that does not move is told with what it waits for', async () => {
  const still = { tasks: new Set<never>(), flow: () => [], laneFlow: () => [] };
  const troubles = () => ['streams/high/0: the registry is away'];
  await assert.rejects(
    moving({ ...still, troubles }, async () => false, 1),
    (error) => {
      assert.equal((error as CarillonError).code, 'CAR816');
      assert.match((error as CarillonError).what, /registry is away/);
      return true;
    },
  );
});

test('what is stored comes back as it was; another form is as if nothing were', () => {
  const text = x('normal', COALESCE);
  const applied = appliedOf(planOf(text), text);
  const read = decodeApplied(encodeApplied(applied));
  assert.deepEqual(read, applied);
  assert.ok(isSameApplied(applied, applied));
  assert.ok(!isSameApplied(null, applied));
  assert.ok(!isSameApplied(appliedOf(planOf(x('high')), text), applied));
  const later = Buffer.from(JSON.stringify({ ...applied, form: 2 }));
  for (const bytes of [later, Buffer.from('{'), Buffer.from('null')]) {
    assert.equal(decodeApplied(bytes), undefined);
  }
  assert.deepEqual(appliedTopic('t'), { name: 't.applied', partitions: 1, cleanup: 'compact' });
});

test('a pipeline of before anything was stored: each stream goes on where its group is', async () => {
  const log = new MemoryLog();
  const p = await started(log, x('normal', 'dedup: { by: [value.eventId], within: 1h }'));
  await p.post(['e1']);
  await p.stop();
  await p.forgetApplied();
  await p.post(['e2']);
  await p.start(x('normal', 'dedup: { by: [value.eventId], within: 1h }'));
  await p.post(['e1', 'e3']);
  await p.stop();
  assert.deepEqual(await p.told(), ['x normal e1', 'x normal e2', 'x normal e3']);
  assert.equal(p.dropped('x', 'dedup', 'duplicate'), 1, 'its state stands, too');
  await p.end();
});

test('another name of the topology is no edit: refused, or begun anew on purpose', async () => {
  const p = await started(new MemoryLog(), x('normal', COALESCE));
  await p.post(['e1']);
  await p.stop();
  const renamed = x('normal', COALESCE).replace('topology: t', 'topology: u');
  await assert.rejects(p.start(renamed), (error: CarillonError) => {
    assert.equal(error.code, 'CAR817');
    assert.match(error.what, /"t".*\(x\).*"u"/);
    return true;
  });
  // Streams of its own are nobody's business.
  await p.start(renamed.replace('id: x', 'id: y').replace('  x:', '  y:'));
  await p.stop();
  await p.start(x('normal', COALESCE));
  assert.equal(p.held('x', 'coalesce'), 1);
  await p.stop();
  await p.start(renamed, 'drop');
  await p.end();
});

test('priorities: others behind them go on, another order is refused, also with --drop', async () => {
  const p = await started(new MemoryLog(), x('normal', COALESCE));
  await p.post(['e1']);
  await p.stop();
  const of = (names: string) => {
    const lines = names.split(' ').map((name) => `  ${name}:\n`);
    return x('normal', COALESCE).replace('lanes:\n', `priorities:\n${lines.join('')}lanes:\n`);
  };
  for (const losing of ['refuse', 'drop'] as const) {
    await assert.rejects(
      p.start(of('high critical normal low'), losing),
      (error: CarillonError) => {
        assert.equal(error.code, 'CAR950');
        return true;
      },
    );
  }
  await p.start(of('critical high normal low bulk'));
  assert.equal(p.held('x', 'coalesce'), 1);
  await p.stop();
  await assert.rejects(p.start(x('normal', COALESCE)), { code: 'CAR950' });
  await p.end();
});

test('classes of device: others behind them go on, other names are refused, also with --drop', async () => {
  const p = await started(new MemoryLog(), x('normal', COALESCE));
  await p.post(['e1']);
  await p.stop();
  const of = (names: string) =>
    x('normal', COALESCE).replace('lanes:\n', `device_classes: [${names}]\nlanes:\n`);
  const reno = 'mobile, tablet, tv, stick, set-top, web';
  for (const losing of ['refuse', 'drop'] as const) {
    await assert.rejects(p.start(of('phone, kiosk'), losing), { code: 'CAR370' });
  }
  await p.start(of(`${reno}, watch`));
  assert.equal(p.held('x', 'coalesce'), 1);
  await p.stop();
  await assert.rejects(p.start(x('normal', COALESCE)), { code: 'CAR370' });
  await p.end();
});
