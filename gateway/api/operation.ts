/**
 * What a route says of itself, once: the gateway serves it as OpenAPI, `docs/reference` shows it,
 * parameters are checked by it, and a test holds the answers of a running gateway to it.
 */
import type { FastifyInstance } from 'fastify';
import type { ErrorCode } from '../../core/error-table.ts';
import type { Scope } from '../identity.ts';

/** JSON Schema 2020-12, as OpenAPI 3.1 has it; `$ref` names one of `SHAPES`. */
export type JsonSchema = { readonly [keyword: string]: unknown };

export interface Parameter {
  readonly doc: string;
  readonly schema: JsonSchema;
}

export interface Body {
  readonly type: string;
  readonly schema: JsonSchema;
}

export interface Answer {
  readonly doc: string;
  /** Undefined: it has no body. */
  readonly body?: Body;
}

export type Tag = 'producers' | 'devices' | 'operators' | 'schemas' | 'sinks';

export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'put' | 'post' | 'delete';
  /** As Fastify has it: `/v1/devices/:deviceId`. */
  readonly path: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly doc?: string;
  /**
   * Whose token it takes: one of these scopes (or `admin`), and where the path has `:deviceId` that
   * device's; `internal`: the sinks' own; null: none.
   */
  readonly token: readonly Scope[] | 'internal' | null;
  /** Of the path, beside those that all have. */
  readonly params?: { readonly [name: string]: Parameter };
  /** All others are refused (CAR721). Undefined: none is read, and any is let through. */
  readonly query?: { readonly [name: string]: Parameter };
  readonly headers?: { readonly [name: string]: Parameter };
  readonly body?: Body;
  /** By status. */
  readonly answers: { readonly [status: number]: Answer };
  /** Beside those of its token and its body: what it can end in. */
  readonly errors?: readonly ErrorCode[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

/** What speaks for itself: preflights of CORS, and the answer to HEAD, which is that to GET. */
const TOLD_ELSEWHERE: readonly string[] = ['OPTIONS', 'HEAD'];

/** The operations of an app, as its routes come; a route without one is an error of ours. */
export function collectOperations(app: FastifyInstance): readonly Operation[] {
  const operations: Operation[] = [];
  app.addHook('onRoute', ({ method, url, config }) => {
    const { operation } = (config ?? {}) as { operation?: Operation };
    if ([method].flat().every((one) => TOLD_ELSEWHERE.includes(one))) return;
    if (operation?.path !== url || operation.method.toUpperCase() !== method) {
      throw new Error(`the route ${method} ${url} says nothing of itself`);
    }
    operations.push(operation);
  });
  return operations;
}
