/** What commands take: the forms of arguments, each with a sentence for what does not fit. */
import { InvalidArgumentError } from 'commander';

/** Sets the exit code of the process. */
export type SetExit = (code: number) => void;

/** The option that most commands have. */
export const DEPLOYMENT = [
  '--deployment <file>',
  'the deployment config (default: carillon.yaml)',
] as const;

/** Beside those that the deployment names; given once for each. */
export const PROCESSORS = [
  '--processors <file>',
  'a module of steps or sinks of your own; once for each',
  (file: string, before: readonly string[] | undefined) => [...(before ?? []), file],
] as const;

/** A whole number of at least `least`. */
export const whole = (least: number) => (text: string) => {
  const number = Number(text.replaceAll('_', ''));
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new InvalidArgumentError(`It is not a whole number from ${least} on.`);
};

/** One of a few words. */
export const choice =
  (...known: readonly string[]) =>
  (text: string) => {
    if (known.includes(text)) return text;
    throw new InvalidArgumentError(`It is one of: ${known.join(', ')}.`);
  };
