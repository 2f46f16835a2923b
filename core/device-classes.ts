/**
 * The classes of device of a topology. `target` names them, a registration says which one a device
 * is of, and a record carries those that are told as bits: the place in the list. What a topology
 * does not say is RENO's set.
 */

/** Bits of a record's mask; and more are told apart by nobody. */
export const DEVICE_CLASSES_MAX = 24;
export const CLASS_CHARS_MAX = 32;
/** Words of lower-case letters and digits, with hyphens between them. */
export const DEVICE_CLASS_NAME: RegExp = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Stands for every class, also those that are added later. */
export const ALL_CLASSES = 'all';
/** The mask of all of them. */
export const ALL_CLASSES_MASK = 0x7fffffff;

export class DeviceClasses {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** What a list of them may name. */
  get choices(): readonly string[] {
    return [ALL_CLASSES, ...this.names];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** The bits of some of them; of `all` every bit, so that a class that is added later counts. */
  maskOf(names: readonly string[]): number {
    let mask = 0;
    for (const name of names) {
      if (name === ALL_CLASSES) return ALL_CLASSES_MASK;
      const at = this.names.indexOf(name);
      if (at < 0) throw new RangeError(`"${name}" is none of ${this.names.join(', ')}`);
      mask |= 1 << at;
    }
    return mask;
  }

  /** Whether these are the others, in their order. */
  isLike(others: DeviceClasses): boolean {
    return this.names.join() === others.names.join();
  }
}

/** RENO's (Netflix TechBlog, February 2022). */
export const RENO_CLASSES: DeviceClasses = new DeviceClasses([
  'mobile',
  'tablet',
  'tv',
  'stick',
  'set-top',
  'web',
]);
