/** What the program, the servers and the fleet of the devices' benchmark say to each other. */
export interface Ready {
  readonly is: 'ready';
  /** Where each device connects. */
  readonly urls: readonly string[];
  /** Where is pushed. */
  readonly pushUrl: string;
  /** Of the process that is measured, if it is another one. */
  readonly pid?: number;
}

export type ToServer = { readonly do: 'gc' } | { readonly do: 'delay' };
export type FromServer =
  | Ready
  /** Bytes on the heap and beside it; NaN: not known. */
  | { readonly is: 'collected'; readonly heap: number }
  /** The longest that the loop stood still since it was last asked, in ms. */
  | { readonly is: 'delay'; readonly ms: number };

export type Kind = 'gateway' | 'ws' | 'zuul';

export interface Opening {
  readonly kind: Kind;
  readonly urls: readonly string[];
  readonly pushUrl: string;
  readonly inFlight: number;
  /** Characters of a frame of servers that send what they are given. */
  readonly frameChars: number;
  readonly seed: number;
}

export type ToFleet =
  /** So many connect, and go away again. */
  | ({ readonly do: 'warm'; readonly count: number } & Opening)
  | ({ readonly do: 'open' } & Opening)
  | { readonly do: 'close' }
  | { readonly do: 'again'; readonly inFlight: number }
  | {
      readonly do: 'unicast';
      readonly seconds: number;
      readonly batch: number;
      readonly inFlight: number;
    }
  | { readonly do: 'rate'; readonly perSecond: number; readonly seconds: number }
  | { readonly do: 'burst'; readonly batch: number; readonly inFlight: number };

export interface FromFleet {
  readonly ms: number;
  /** That came; of connects 0. */
  readonly frames: number;
  /** Sorted, of each frame in ms; of `rate` alone. */
  readonly latencies?: readonly number[];
  /** Connects that were refused or broke. */
  readonly failed: number;
  readonly frameChars: number;
}
