/**
 * What topologies/plain.yaml should make of produced events, computed apart: from the rules as they
 * are written in the design, with none of the engine's code.
 */
import { createHash } from 'node:crypto';
import { type ProducedRun, producedEventId, producedMember } from './produced-events.ts';

export interface WorldDevice {
  readonly deviceId: string;
  readonly memberId: string;
  readonly class: string;
  readonly transport: 'websocket' | 'fcm' | 'inbox';
}

const CLASSES = ['tv', 'mobile', 'tablet', 'web', 'stick', 'set-top'] as const;
/** Of the topology's `target`. */
const TOLD: readonly string[] = ['tv', 'mobile', 'tablet'];
const FCM_EVERY = 20;

/** Member i has 1 to 3 devices, `d-<i>-<j>`. */
export function devicesOf(member: number): readonly WorldDevice[] {
  return Array.from({ length: 1 + (member % 3) }, (_, j) => ({
    deviceId: `d-${member}-${j}`,
    memberId: `m-${member}`,
    class: CLASSES[(member + j) % CLASSES.length]!,
    transport:
      j === 1 && member % FCM_EVERY === 1 ? 'fcm' : j === 2 ? ('inbox' as const) : 'websocket',
  }));
}

export function worldDevices(members: number): readonly WorldDevice[] {
  return Array.from({ length: members }, (_, member) => devicesOf(member)).flat();
}

/** `kind` of event n is symbol n mod 4; FINISHED is the fourth. */
const isCritical = (n: number) => n % 4 === 3;

/** Design, D1: event id, use case id and device id; as UUID version 8 of their SHA-256. */
export function expectedId(eventId: string, deviceId: string): string {
  const bytes = createHash('sha256').update(`va\0${deviceId}\0${eventId}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return [...parts, hex.slice(20)].join('-');
}

/** What was produced, in order; `repeated` and `stale` ones must leave nothing. */
export interface ProducedPart {
  readonly run: ProducedRun;
  readonly fate: 'told' | 'repeated' | 'stale';
  /** Index of the device that caused it, which is spared; undefined: none. */
  readonly spares?: number;
  /** True: event n is not Avro, or lies where nobody looks, and is to be dead-lettered. */
  readonly refused?: (n: number) => boolean;
}

export class Expected {
  readonly registered: number;
  /** `<device>/<priority>`: the ids, in the order of their numbers. */
  readonly rows = new Map<string, string[]>();
  /** By device: the ids of all priorities, in the order of the events. */
  readonly inOrder = new Map<string, string[]>();
  count = 0;
  events = 0;
  /** Dead letters. */
  refused = 0;
  /** By reason, over both priorities. */
  readonly drops: Record<string, number> = {};

  /** `registered`: members from that index on have no devices. */
  constructor(registered: number) {
    this.registered = registered;
  }

  add({ run, fate, spares, refused }: ProducedPart): this {
    for (let n = 0; n < run.count; n++) {
      this.events++;
      // Each of the two priorities reads every event, and passes by the other's.
      this.#drop('other_priority');
      if (refused?.(n)) this.refused++;
      else if (fate === 'stale') this.#drop('stale');
      else if (fate === 'repeated') this.#drop('duplicate');
      else this.#tell(run, n, spares);
    }
    return this;
  }

  #tell(run: ProducedRun, n: number, spares: number | undefined): void {
    const member = producedMember(run, n);
    if (member >= this.registered) {
      this.#drop('no_devices');
      return;
    }
    const told = devicesOf(member).filter(
      (device, j) => TOLD.includes(device.class) && j !== spares,
    );
    if (told.length === 0) this.#drop('no_target');
    for (const { deviceId } of told) {
      const id = expectedId(producedEventId(run, n), deviceId);
      append(this.rows, `${deviceId}/${isCritical(n) ? 0 : 2}`, id);
      append(this.inOrder, deviceId, id);
      this.count++;
    }
  }

  #drop(reason: string): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + 1;
  }

  /** All ids of a device. */
  idsOf(deviceId: string): string[] {
    return [0, 2].flatMap((priority) => this.rows.get(`${deviceId}/${priority}`) ?? []).sort();
  }
}

function append(lists: Map<string, string[]>, key: string, id: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [id]);
  else list.push(id);
}
