/**
 * Devices as lines of numbers over one store of ids: what `fan_out` joins with and the lane writer
 * reads, without an object a device. A line is an index; lines of one member follow each other.
 */
import { type MemberDevice, TRANSPORTS, type Transport } from './device.ts';
import type { DeviceClasses } from './device-classes.ts';
import { murmur2 } from './partition.ts';

/** Numbers of a line; eight of eight bytes are one cache line. */
const WIDTH = 8;
const ID_AT = 0;
const ID_LENGTH = 1;
const EPOCH = 2;
const CLASS = 3;
const TRANSPORT_LIST = 4;
const UPDATED_AT = 5;
const HASH = 6;
/** Bits of one transport in the list: its index and one, 0 ends the list. */
const TRANSPORT_BITS = 3;
const INBOX_BIT = 1 << TRANSPORTS.indexOf('inbox');
const LINES_FIRST = 256;
const ID_BYTES_FIRST = 4096;

/** Names of classes that are kept beside the topology's: of devices registered under others. */
const FOREIGN_CLASSES_MAX = 256;

function packedTransports(transports: readonly Transport[]): number {
  let packed = 0;
  // A transport that comes again changes nothing: the first place counts.
  [...new Set(transports)].forEach((one, i) => {
    packed |= (TRANSPORTS.indexOf(one) + 1) << (i * TRANSPORT_BITS);
  });
  return packed;
}

export class DeviceLines {
  #numbers = new Float64Array(LINES_FIRST * WIDTH);
  /** UTF-8 of all ids, one after the other. */
  ids: Buffer = Buffer.allocUnsafeSlow(ID_BYTES_FIRST);
  /** The same bytes, for numbers. */
  idView: DataView = new DataView(this.ids.buffer);
  #idsEnd = 0;
  #lines = 0;
  /** The topology's first: their places are the bits of a mask. */
  readonly #classes: string[];
  readonly #ownClasses: number;

  /** `classes`: what `classBit` goes by; lines that nobody asks for it do without. */
  constructor(classes?: DeviceClasses) {
    this.#classes = [...(classes?.names ?? [])];
    this.#ownClasses = this.#classes.length;
  }

  get size(): number {
    return this.#lines;
  }

  /** Memory they take, bytes. */
  get bytes(): number {
    return this.#numbers.byteLength + this.ids.length;
  }

  /** Appends a device; gives its line. A class that is not known is told by no `target`. */
  add(device: MemberDevice): number {
    const line = this.#lines++;
    const at = line * WIDTH;
    if (at + WIDTH > this.#numbers.length) {
      const grown = new Float64Array(this.#numbers.length * 2);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    const idAt = this.#addId(device.deviceId);
    const length = this.#idsEnd - idAt;
    const numbers = this.#numbers;
    numbers[at + ID_AT] = idAt;
    numbers[at + ID_LENGTH] = length;
    numbers[at + EPOCH] = device.epoch;
    numbers[at + CLASS] = this.#classAt(device.class);
    numbers[at + TRANSPORT_LIST] = packedTransports(device.transports);
    numbers[at + UPDATED_AT] = device.updatedAt;
    numbers[at + HASH] = murmur2(this.ids, idAt, this.#idsEnd);
    return line;
  }

  /** Keeps only these lines, in this order: they are lines 0, 1 and so on from now on. */
  keep(lines: Int32Array): void {
    const numbers = new Float64Array(Math.max(LINES_FIRST, lines.length * 2) * WIDTH);
    let idBytes = 0;
    for (const line of lines) idBytes += this.#numbers[line * WIDTH + ID_LENGTH]!;
    const ids = Buffer.allocUnsafeSlow(Math.max(ID_BYTES_FIRST, idBytes * 2));
    let idAt = 0;
    for (let n = 0; n < lines.length; n++) {
      const from = lines[n]! * WIDTH;
      const at = n * WIDTH;
      for (let i = 0; i < WIDTH; i++) numbers[at + i] = this.#numbers[from + i]!;
      numbers[at + ID_AT] = idAt;
      const idStart = this.#numbers[from + ID_AT]!;
      const length = this.#numbers[from + ID_LENGTH]!;
      for (let i = 0; i < length; i++) ids[idAt + i] = this.ids[idStart + i]!;
      idAt += length;
    }
    this.#numbers = numbers;
    this.#lines = lines.length;
    this.ids = ids;
    this.idView = new DataView(ids.buffer);
    this.#idsEnd = idAt;
  }

  clear(): void {
    this.#lines = 0;
    this.#idsEnd = 0;
  }

  /** Reads lines [first, end) and their ids ahead; what it gives means nothing. */
  warm(first: number, end: number): number {
    let sum = 0;
    for (let line = first; line < end; line++) sum += this.ids[this.idStart(line)]!;
    return sum;
  }

  idStart(line: number): number {
    return this.#numbers[line * WIDTH + ID_AT]!;
  }

  idEnd(line: number): number {
    const at = line * WIDTH;
    return this.#numbers[at + ID_AT]! + this.#numbers[at + ID_LENGTH]!;
  }

  epoch(line: number): number {
    return this.#numbers[line * WIDTH + EPOCH]!;
  }

  /** 0 of a class that is none of the topology's. */
  classBit(line: number): number {
    const at = this.#numbers[line * WIDTH + CLASS]!;
    return at >= 0 && at < this.#ownClasses ? 1 << at : 0;
  }

  updatedAt(line: number): number {
    return this.#numbers[line * WIDTH + UPDATED_AT]!;
  }

  /** Kafka's partition of the device's id (rule S37). */
  partitionOf(line: number, partitions: number): number {
    return (this.#numbers[line * WIDTH + HASH]! & 0x7fffffff) % partitions;
  }

  /** The device's first transport whose bit (1 << index in TRANSPORTS) is allowed, or -1. */
  firstTransport(line: number, allowedBits: number): number {
    let rest = this.#numbers[line * WIDTH + TRANSPORT_LIST]! | 0;
    while (rest !== 0) {
      const index = (rest & 7) - 1;
      if ((allowedBits & (1 << index)) !== 0) return index;
      rest >>>= TRANSPORT_BITS;
    }
    return -1;
  }

  /** Bits of all the device's transports that are allowed, but for the inbox where another is. */
  pushTransports(line: number, allowedBits: number): number {
    let bits = 0;
    let rest = this.#numbers[line * WIDTH + TRANSPORT_LIST]! | 0;
    for (; rest !== 0; rest >>>= TRANSPORT_BITS) bits |= 1 << ((rest & 7) - 1);
    bits &= allowedBits;
    return (bits & ~INBOX_BIT) === 0 ? bits : bits & ~INBOX_BIT;
  }

  /** Whether the id is bytes[start, end). */
  isId(line: number, bytes: Uint8Array, start: number, end: number): boolean {
    const at = line * WIDTH;
    const length = this.#numbers[at + ID_LENGTH]!;
    if (end - start !== length) return false;
    const { ids } = this;
    const idAt = this.#numbers[at + ID_AT]!;
    for (let i = 0; i < length; i++) if (ids[idAt + i] !== bytes[start + i]) return false;
    return true;
  }

  id(line: number): string {
    return this.ids.toString('utf8', this.idStart(line), this.idEnd(line));
  }

  /** The device as an object, for tools and for what is held after `fan_out`. */
  device(line: number): MemberDevice {
    const at = line * WIDTH;
    const transports: Transport[] = [];
    for (let rest = this.#numbers[at + TRANSPORT_LIST]! | 0; rest !== 0; rest >>>= TRANSPORT_BITS) {
      transports.push(TRANSPORTS[(rest & 7) - 1]!);
    }
    return {
      deviceId: this.id(line),
      epoch: this.#numbers[at + EPOCH]!,
      class: this.#classes[this.#numbers[at + CLASS]!] ?? '',
      transports,
      updatedAt: this.#numbers[at + UPDATED_AT]!,
    };
  }

  #classAt(name: string): number {
    const at = this.#classes.indexOf(name);
    if (at >= 0 || this.#classes.length >= this.#ownClasses + FOREIGN_CLASSES_MAX) return at;
    return this.#classes.push(name) - 1;
  }

  #addId(id: string): number {
    const at = this.#idsEnd;
    const size = Buffer.byteLength(id, 'utf8');
    if (at + size > this.ids.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.ids.length * 2, at + size));
      this.ids.copy(grown, 0, 0, at);
      this.ids = grown;
      this.idView = new DataView(grown.buffer);
    }
    this.#idsEnd += this.ids.write(id, at, 'utf8');
    return at;
  }
}
