/** All step and sink types: where processors and connectors meet compiler and runtime. */
import { sinks } from '../connectors/index.ts';
import type { Catalog } from '../core/spec.ts';
import { steps } from '../processors/index.ts';

export const catalog: Catalog = { steps, sinks };
