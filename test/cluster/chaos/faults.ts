/** What happens to workers and brokers, at random. Each resolves when its cause is over. */
import type { Chance } from '../../sim/chance.ts';
import type { Arena } from './arena.ts';
import { LANES } from './arena.ts';
import { EVENTS } from './load.ts';

/** The workers' (connectors/kafka/client.ts). */
export const SESSION_TIMEOUT_MS = 10_000;
const BROKERS = 3;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export type Fault = (arena: Arena, chance: Chance) => Promise<string>;

async function workerKilled(arena: Arena, chance: Chance): Promise<string> {
  const victim = chance.pick(arena.workers);
  await arena.kill(victim);
  // Its successor comes at once, or when the others have all tasks.
  if (chance.is(0.5)) await wait(SESSION_TIMEOUT_MS);
  await arena.add();
  return `pid ${victim.pid}`;
}

async function workerStoppedAndResumed(arena: Arena, chance: Chance): Promise<string> {
  const zombie = chance.pick(arena.workers);
  zombie.signal('SIGSTOP');
  const forMs = SESSION_TIMEOUT_MS + 1_000 + chance.below(4_000);
  await wait(forMs);
  zombie.signal('SIGCONT');
  return `pid ${zombie.pid} for ${forMs} ms`;
}

async function workerStoppedForAMoment(arena: Arena, chance: Chance): Promise<string> {
  const victim = chance.pick(arena.workers);
  victim.signal('SIGSTOP');
  const forMs = 500 + chance.below(SESSION_TIMEOUT_MS - 2_000);
  await wait(forMs);
  victim.signal('SIGCONT');
  return `pid ${victim.pid} for ${forMs} ms`;
}

async function brokerKilled(arena: Arena, chance: Chance): Promise<string> {
  const index = chance.below(BROKERS);
  await arena.kafka.kill(index);
  await wait(chance.below(8_000));
  await arena.kafka.restart(index);
  return `broker ${index + 1}`;
}

async function brokerRestarted(arena: Arena, chance: Chance): Promise<string> {
  const index = chance.below(BROKERS);
  await arena.kafka.restart(index);
  return `broker ${index + 1}`;
}

async function brokerStoppedAndResumed(arena: Arena, chance: Chance): Promise<string> {
  const index = chance.below(BROKERS);
  await arena.kafka.pause(index);
  const forMs = 1_000 + chance.below(24_000);
  await wait(forMs);
  await arena.kafka.resume(index);
  return `broker ${index + 1} for ${forMs} ms`;
}

async function leadersMoved(arena: Arena, chance: Chance): Promise<string> {
  const away = 1 + chance.below(BROKERS);
  const rest = [1, 2, 3].filter((id) => id !== away);
  await reassign(arena, rest);
  await wait(2_000);
  await reassign(arena, [...rest, away]);
  return `away from broker ${away}`;
}

export const FAULTS = {
  'worker killed': workerKilled,
  'worker stopped and resumed': workerStoppedAndResumed,
  'worker stopped for a moment': workerStoppedForAMoment,
  'broker killed': brokerKilled,
  'broker restarted': brokerRestarted,
  'broker stopped and resumed': brokerStoppedAndResumed,
  'leaders moved': leadersMoved,
} satisfies { readonly [name: string]: Fault };

export type FaultName = keyof typeof FAULTS;

export const WEIGHTS: { readonly [name in FaultName]: number } = {
  'worker killed': 3,
  'worker stopped and resumed': 3,
  'worker stopped for a moment': 1,
  'broker killed': 3,
  'broker restarted': 1,
  'broker stopped and resumed': 2,
  'leaders moved': 1,
};

/** Of inputs, outputs and changelogs: partition p is led by the broker p places further on. */
async function reassign({ admin }: Arena, replicas: readonly number[]): Promise<void> {
  const { topics } = await admin.fetchTopicMetadata();
  const ours = topics.filter(
    ({ name }) => name === EVENTS || LANES.includes(name) || name.includes('changelog'),
  );
  await admin.alterPartitionReassignments({
    topics: ours.map(({ name, partitions }) => ({
      topic: name,
      partitionAssignment: partitions.map(({ partitionId }) => {
        const from = partitionId % replicas.length;
        return {
          partition: partitionId,
          replicas: [...replicas.slice(from), ...replicas.slice(0, from)],
        };
      }),
    })),
  });
}
