/**
 * ApiVersions 3: the first question on each connection. What versions the broker speaks, and which
 * features the whole cluster has switched on (KIP-584).
 */
import type { Api } from './api.ts';
import { check } from './errors.ts';
import type { ResponseReader } from './response-reader.ts';

export interface Features {
  /** Grows with each change of a feature; -1: the broker does not tell of any. */
  readonly epoch: number;
  /** The level that all brokers of the cluster act on. */
  readonly levels: ReadonlyMap<string, number>;
}

export interface ApiVersionsAnswer {
  readonly versions: ReadonlyMap<number, readonly [min: number, max: number]>;
  readonly features: Features;
}

const EPOCH_TAG = 1;
const FINALIZED_TAG = 2;

export const API_VERSIONS: Api<null, ApiVersionsAnswer> = {
  key: 18,
  name: 'ApiVersions',
  min: 3,
  max: 3,
  write: (writer) => void writer.text('carillon').text('1').tags(),
  read(reader) {
    check(reader.int16(), 'the broker is older than 2.8');
    const keys = reader.list(() => {
      const entry = [reader.int16(), [reader.int16(), reader.int16()] as const] as const;
      reader.tags();
      return entry;
    });
    // The time to wait.
    reader.int32();
    return { versions: new Map(keys), features: readFeatures(reader) };
  },
};

function readFeatures(reader: ResponseReader): Features {
  let epoch = -1;
  let levels: ReadonlyMap<string, number> = new Map();
  reader.tags((tag, field) => {
    if (tag === EPOCH_TAG) epoch = field.int64();
    else if (tag === FINALIZED_TAG) {
      const features = field.list(() => {
        const entry = [field.text(), field.int16()] as const;
        field.int16();
        field.tags();
        return entry;
      });
      levels = new Map(features);
    }
  });
  return { epoch, levels };
}

/**
 * The newest that any broker has told of. A connection tells of them once, when it is made: a
 * feature that is switched on later is seen with the next one.
 */
export class KnownFeatures {
  #known: Features = { epoch: -1, levels: new Map() };

  told(features: Features): void {
    if (features.epoch >= this.#known.epoch) this.#known = features;
  }

  /** 0: nobody has told of it. */
  level(feature: string): number {
    return this.#known.levels.get(feature) ?? 0;
  }
}
