/**
 * Wall clocks of time zones, from the platform's copy of the IANA database: which offset holds at
 * an instant, and until when a clock on the wall reads a time between two. An answer depends on its
 * arguments, and on the database's version, alone.
 */
const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

/** More names than the database has; over it those that are known are forgotten and made again. */
const ZONES_MAX = 2_000;

const zones = new Map<string, TimeZone | null>();

export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** The last minute that was asked for: tasks ask for the same one again and again. */
  #minute = Number.NaN;
  #offsetMs = 0;

  private constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
  }

  /** Null: the database has no such zone. */
  static named(name: string): TimeZone | null {
    const known = zones.get(name);
    if (known !== undefined) return known;
    if (zones.size >= ZONES_MAX) zones.clear();
    const zone = made(() => new TimeZone(name));
    zones.set(name, zone);
    return zone;
  }

  /** What is added to UTC at that instant; it changes on whole minutes. */
  offsetMs(atMs: number): number {
    const minute = Math.floor(atMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#offsetMs = this.#wallMs(minute * MINUTE_MS) - minute * MINUTE_MS;
    }
    return this.#offsetMs;
  }

  /** Milliseconds after midnight that a clock on the wall reads. */
  timeOfDay(atMs: number): number {
    const wall = atMs + this.offsetMs(atMs);
    return wall - Math.floor(wall / DAY_MS) * DAY_MS;
  }

  /**
   * When a clock on the wall that reads a time in [from, to) at that instant reads another one for
   * the first time after it; null: it does not read such a time. From evening to morning where `to`
   * is not after `from`; all day where they are equal. A time that is skipped in spring ends with
   * the skip; an hour that comes twice in autumn counts twice.
   */
  within(atMs: number, fromMs: number, toMs: number): number | null {
    const time = this.timeOfDay(atMs);
    if (!isBetween(time, fromMs, toMs)) return null;
    const endMs = atMs + untilTime(time, toMs);
    const changeMs = this.#change(atMs, endMs);
    if (changeMs === null) return endMs;
    const then = this.timeOfDay(changeMs);
    return isBetween(then, fromMs, toMs) ? changeMs + untilTime(then, toMs) : changeMs;
  }

  /** The first instant in (from, to] with another offset, when it is another at the end. */
  #change(fromMs: number, toMs: number): number | null {
    const before = this.offsetMs(fromMs);
    if (this.offsetMs(toMs) === before) return null;
    let same = Math.floor(fromMs / MINUTE_MS);
    let other = Math.floor(toMs / MINUTE_MS);
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.offsetMs(middle * MINUTE_MS) === before) same = middle;
      else other = middle;
    }
    return other * MINUTE_MS;
  }

  #wallMs(atMs: number): number {
    const read: { [part: string]: number } = {};
    for (const { type, value } of this.#format.formatToParts(atMs)) read[type] = Number(value);
    return Date.UTC(read.year!, read.month! - 1, read.day!, read.hour!, read.minute!);
  }
}

function made(make: () => TimeZone): TimeZone | null {
  try {
    return make();
  } catch {
    return null;
  }
}

function isBetween(time: number, from: number, to: number): boolean {
  return from < to ? time >= from && time < to : time >= from || time < to;
}

function untilTime(time: number, to: number): number {
  return to > time ? to - time : to - time + DAY_MS;
}

/** Milliseconds after midnight of `22:00`; undefined: it is no time of day. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match === null ? undefined : (Number(match[1]) * 60 + Number(match[2])) * MINUTE_MS;
}
