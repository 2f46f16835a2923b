/** What commits for all tasks of a member: the port's unit, on a committer of the data plane. */
import { CarillonError } from '../../core/error.ts';
import type { CommitUnit, GroupSpec, UnitPart, UnitPort } from '../../core/log.ts';
import { isFenced, kafkaError } from './client.ts';
import type { UnitCommitter } from './plane.ts';
import { METADATA_BYTES_MAX } from './state-marks.ts';
import type { KafkaTask } from './task.ts';

export interface UnitOwner {
  /** The task of this partition, if it is here and can commit. */
  committing(partition: number): KafkaTask | undefined;
  /** A task's part did not stand: it is closed as fenced, before the commit's promise settles. */
  lostPart(task: KafkaTask, error: CarillonError): void;
}

interface Owned {
  readonly task: KafkaTask;
  readonly part: UnitPart;
}

export class KafkaUnit implements UnitPort {
  /** Both planes write copies to their sockets, and a commit succeeds when all was answered. */
  readonly givesBack = true;
  readonly #spec: GroupSpec;
  readonly #committer: UnitCommitter;
  readonly #owner: UnitOwner;

  constructor(spec: GroupSpec, committer: UnitCommitter, owner: UnitOwner) {
    this.#spec = spec;
    this.#committer = committer;
    this.#owner = owner;
  }

  /**
   * Resolves when a part stands, rejects when none does: CAR643 fenced or closed, CAR644 with
   * Kafka away, CAR645 refused, CAR646 metadata too long. Tasks whose part was lost are closed as
   * fenced by then.
   */
  async commit({ parts }: CommitUnit): Promise<void> {
    if (parts.length === 0) return;
    const owned: Owned[] = [];
    let lost: CarillonError | null = null;
    for (const part of parts) {
      const task = this.#owner.committing(part.partition);
      const refused = task === undefined ? this.#closed(part) : tooLong(this.#spec, part);
      if (refused === null) owned.push({ task: task!, part });
      else {
        lost = refused;
        if (task !== undefined) this.#owner.lostPart(task, refused);
      }
    }
    let stands = owned.length;
    if (owned.length > 0) {
      const unit = { parts: owned.map(({ task, part }) => task.marked(part)) };
      const failures = new Map(
        (await this.#committer.commit(unit)).map((one) => [one.partition, one.error]),
      );
      for (const { task, part } of owned) {
        if (!failures.has(part.partition)) task.committed(part);
        else {
          stands--;
          lost = this.#lossOf(failures.get(part.partition), part);
          if (task.isOpen) this.#owner.lostPart(task, lost);
        }
      }
    }
    if (stands === 0 && lost !== null) throw lost;
  }

  #at(part: UnitPart): string {
    return `${this.#spec.group}-${part.partition}`;
  }

  #closed(part: UnitPart): CarillonError {
    const at = this.#at(part);
    return new CarillonError('CAR643', `Task ${at} is closed.`, { where: { at } });
  }

  #lossOf(error: unknown, part: UnitPart): CarillonError {
    const at = this.#at(part);
    const options = { where: { at }, cause: error };
    if (isFenced(error)) {
      return new CarillonError('CAR643', `Task ${at} was taken over by another process.`, options);
    }
    const told = kafkaError(error, at);
    if (!told.retryable) return told;
    return new CarillonError('CAR644', `A commit of ${at} failed: ${told.what}`, {
      ...options,
      retryable: true,
    });
  }
}

function tooLong({ group }: GroupSpec, part: UnitPart): CarillonError | null {
  for (const { topic, metadata } of part.offsets) {
    const size = Buffer.byteLength(metadata, 'utf8');
    if (size <= METADATA_BYTES_MAX) continue;
    return new CarillonError('CAR646', `Metadata of "${topic}" in "${group}" is ${size} bytes.`, {
      where: { at: `${group} ${topic}` },
    });
  }
  return null;
}
