/** Sets an own field of an object, also `__proto__`, which an assignment would take for another. */
export function setOwn(of: { [name: string]: unknown }, name: string, value: unknown): void {
  if (name !== '__proto__') of[name] = value;
  else {
    Object.defineProperty(of, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
}
