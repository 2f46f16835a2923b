import { CarillonError } from '../../core/error.ts';

/** Where a driver's clock starts, as text. Throws CAR900 for what is no time. */
export function driveStartMs(text: string): number {
  const startMs = Date.parse(text);
  if (!Number.isNaN(startMs)) return startMs;
  throw new CarillonError('CAR900', `"${text}" is not a time.`, {
    where: { at: '--start' },
    mend: 'write it as 2026-01-01T00:00:00Z',
  });
}
