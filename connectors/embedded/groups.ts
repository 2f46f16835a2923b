/** The groups of a log: those that are open, and how far all of them have read. */
import type { Clock } from '../../core/clock.ts';
import { CarillonError } from '../../core/error.ts';
import type { GroupHost, GroupSpec } from '../../core/log.ts';
import { EmbeddedGroup } from './group.ts';
import type { MemberLog } from './member.ts';
import type { Storage } from './storage.ts';

/**
 * A group that is not open counts as a reader this long after it was, or after the log was opened:
 * time to start, and to start again after a failure. Later it is taken for one of a former
 * topology.
 */
const GONE_AFTER_MS = 10 * 60_000;

export class Groups {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #open = new Map<string, EmbeddedGroup>();
  readonly #leftAt = new Map<string, number>();
  readonly #openedAt: number;

  constructor(storage: Storage, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
    this.#openedAt = clock.now();
  }

  get all(): readonly EmbeddedGroup[] {
    return [...this.#open.values()];
  }

  isOpen(group: string): boolean {
    return this.#open.has(group);
  }

  /** Resolves when its tasks are ready. Throws CAR608. */
  async open(spec: GroupSpec, host: GroupHost, log: MemberLog): Promise<EmbeddedGroup> {
    if (this.#open.has(spec.group)) {
      throw new CarillonError('CAR608', `Group ${spec.group} is open already.`, {
        where: { at: spec.group },
      });
    }
    const group = new EmbeddedGroup(spec, host, log, () => {
      if (this.#open.get(spec.group) !== group) return;
      this.#open.delete(spec.group);
      this.#leftAt.set(spec.group, this.#clock.now());
    });
    this.#open.set(spec.group, group);
    try {
      await group.open();
    } catch (error) {
      await group.close().catch(() => {});
      throw error;
    }
    return group;
  }

  /** By slot of the partitions that are read, the least that a group has come to. */
  marks(): ReadonlyMap<number, number> {
    const { topics, offsets } = this.#storage;
    const marks = new Map<number, number>();
    const mark = (slot: number, offset: number) => {
      marks.set(slot, Math.min(marks.get(slot) ?? offset, offset));
    };
    for (const { spec } of this.#open.values()) {
      for (const topic of spec.inputs) {
        for (const { slot, startOffset } of topics.partitionsOf(topic)) {
          mark(slot, offsets.get(spec.group, slot)?.offset ?? startOffset);
        }
      }
    }
    for (const group of offsets.groups) {
      if (this.#open.has(group)) continue;
      const leftAt = this.#leftAt.get(group) ?? this.#openedAt;
      if (this.#clock.now() - leftAt > GONE_AFTER_MS) continue;
      for (const [slot, { offset }] of offsets.of(group)) mark(slot, offset);
    }
    return marks;
  }
}

/** What has as many partitions as the group has tasks. */
export function topicsOf({ inputs, tables, stores }: GroupSpec): readonly string[] {
  return [...inputs, ...tables, ...stores.map(({ changelog }) => changelog)];
}
