/** Edits of clocks: what becomes of planned times, told to each member that has a device. */

import { lanesWith } from '../kit/drive.ts';
import { type Edit, edit, of, x } from './edit-case.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

interface ClockText {
  readonly cron?: string;
  readonly missed?: string;
  readonly priority?: string;
  readonly name?: string;
}

/** One stream, whose members hear of each planned time. */
export const clockText = ({
  cron = '0 * * * *',
  missed = 'latest',
  priority = 'normal',
  name = 'x',
}: ClockText) =>
  lanesWith(`  ${name}:
    id: x
    priority: { as: ${priority} }
    from: { clock: { cron: "${cron}", missed: ${missed} } }
    steps:
      - each_row: { table: devices, as: member }
      - map: { fields: { eventId: value.local, memberId: value.member.memberId, planFrom: '"a"', planTo: '"b"', streamsMax: '1', changedAt: value.plannedAt } }
      - fan_out: { table: devices, by: key }
    to: { lane: notifications, schema: PlanChange }
`);

/** Both members hear of it. */
const told = (...times: string[]) =>
  times.flatMap((time) => {
    const [priority, at] = time.includes(' ') ? time.split(' ') : ['normal', time];
    return Array(2).fill(`x ${priority} 2026-01-01T${at}`) as string[];
  });

export const CLOCK_EDITS: readonly Edit[] = [
  {
    what: 'a clock that goes on over restarts: each planned time once',
    first: clockText({}),
    async run(p) {
      await p.advance(HOUR);
      await edit(p, clockText({}));
      await p.advance(HOUR);
      await edit(p, clockText({}));
      await edit(p, clockText({}));
      await p.advance(30 * MINUTE);
    },
    told: told('01:00', '02:00'),
  },
  {
    what: 'a clock that other times are given: the new ones from now on',
    first: clockText({}),
    async run(p) {
      await p.advance(HOUR);
      await edit(p, clockText({ cron: '30 * * * *' }));
      await p.advance(HOUR);
      await edit(p, clockText({}));
      await p.advance(HOUR);
    },
    told: told('01:00', '01:30', '03:00'),
  },
  {
    what: 'other times, while some of before were missed: these are not told, nor what the new ones would have been',
    first: clockText({ missed: 'all' }),
    async run(p) {
      await p.advance(HOUR);
      await p.stop();
      await p.advance(2 * HOUR + MINUTE);
      await p.start(clockText({ missed: 'all', cron: '30 * * * *' }));
      await p.advance(HOUR);
    },
    told: told('01:00', '03:30'),
  },
  {
    what: 'missed: latest becomes all: the position stays',
    first: clockText({}),
    async run(p) {
      await p.advance(HOUR);
      await p.stop();
      await p.advance(2 * HOUR);
      await p.start(clockText({ missed: 'all' }));
    },
    told: told('01:00', '02:00', '03:00'),
  },
  {
    what: 'another priority, in a downtime: the position stays, each time is told once',
    first: clockText({ missed: 'all' }),
    async run(p) {
      await p.advance(HOUR);
      await p.stop();
      await p.advance(HOUR);
      await p.start(clockText({ missed: 'all', priority: 'low' }));
      await p.advance(HOUR);
    },
    told: told('01:00', 'low 02:00', 'low 03:00'),
  },
  {
    what: 'another name of the stream: its clock is the same',
    first: clockText({ missed: 'all' }),
    async run(p) {
      await p.advance(HOUR);
      await p.stop();
      await p.advance(HOUR);
      await p.start(clockText({ missed: 'all', name: 'mornings' }));
    },
    told: told('01:00', '02:00'),
  },
  {
    what: 'a clock that was taken out and comes back: what lay between was nobody’s',
    first: clockText({ missed: 'all' }),
    async run(p) {
      await p.advance(HOUR);
      await edit(p, of({ id: 'a' }));
      await p.advance(3 * HOUR);
      await edit(p, clockText({ missed: 'all' }));
      await p.advance(HOUR);
    },
    told: told('01:00', '05:00'),
  },
  {
    what: 'a stream that read a topic begins with a clock',
    first: x(),
    async run(p) {
      await p.post(['e1']);
      await edit(p, clockText({}));
      await p.advance(HOUR);
    },
    told: ['x normal e1', ...told('01:00')],
  },
];
