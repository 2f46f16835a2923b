import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'cassandra-driver';
import { classify, outcomeOf } from './classify.ts';

const response = (code: number, message = 'words of the server') =>
  new errors.ResponseError(code, message);
const hosts = (inner: Record<string, unknown>) => new errors.NoHostAvailableError(inner);
const socketError = () => Object.assign(new Error('read ECONNRESET'), { isSocketError: true });

/** One row per line of the table that was measured on Cassandra 5.0.9, and what mixes them. */
const TABLE: readonly [string, unknown, string, boolean][] = [
  ['unknown keyspace, table, column', response(0x2200, 'table x does not exist'), 'reject', false],
  ['null key', response(0x2200, 'Invalid null value in condition'), 'reject', false],
  ['bad TTL', response(0x2200, 'ttl is too large'), 'reject', false],
  ['request or batch too large', response(0x2200, 'Batch too large'), 'reject', false],
  ['syntax', response(0x2000), 'reject', false],
  ['unauthorised', response(0x2100), 'reject', false],
  ['wrong JavaScript type', new TypeError('Not a valid int32'), 'reject', false],
  ['write timeout', response(0x1100), 'retry', true],
  ['read timeout', response(0x1200), 'retry', false],
  ['write failure', response(0x1500), 'retry', true],
  ['read failure', response(0x1300), 'retry', false],
  ['overloaded', response(0x1001), 'retry', false],
  ['bootstrapping', response(0x1002), 'retry', false],
  ['server error', response(0x0000), 'retry', true],
  ['unavailable, as it comes', hosts({ 'a:1': response(0x1000) }), 'retry', false],
  ['unavailable, bare', response(0x1000), 'retry', false],
  ['no reply', new errors.OperationTimedOutError('no reply', 'a:1'), 'retry', true],
  ['socket lost', socketError(), 'retry', true],
  ['pool down: no inner errors', hosts({}), 'retry', false],
  ['pool down: null', new errors.NoHostAvailableError(null, 'closed'), 'retry', false],
  ['all hosts are marked down', hosts({ 'a:1': 'Host considered as DOWN' }), 'retry', false],
  ['one host may have done it', hosts({ a: response(0x1001), b: socketError() }), 'retry', true],
  ['every host refused it', hosts({ a: response(0x2200), b: response(0x2200) }), 'reject', false],
  ['one refused it, one is down', hosts({ a: response(0x2200), b: 'DOWN' }), 'retry', false],
  ['busy connections', new errors.BusyConnectionError('a:1', 2048, 1), 'retry', false],
  ['login', new errors.AuthenticationError('bad'), 'login', false],
  ['login, told by the server', response(0x0100), 'login', false],
  ['login, within', hosts({ a: new errors.AuthenticationError('bad') }), 'login', false],
  ['a code that is not known', response(0x7777), 'retry', true],
  ['an error that is not known', new Error('odd'), 'retry', true],
];

for (const [name, error, fate, ambiguous] of TABLE) {
  test(`${name}: ${fate}${ambiguous ? ', outcome unknown' : ''}`, () => {
    const found = classify(error);
    assert.deepEqual({ fate: found.fate, ambiguous: found.ambiguous }, { fate, ambiguous });
    assert.match(found.why, /^[^\n]{1,201}$/);
  });
}

test('a refused row goes to the dead letters, with the words of the server', () => {
  assert.deepEqual(outcomeOf(response(0x2200, 'table ks.inbox does not exist')), {
    kind: 'rejected',
    reason: 'cassandra: invalid request: table ks.inbox does not exist',
    deadLetter: true,
  });
});

test('trouble of the ring is of the whole lane, and says whether it may have been done', () => {
  assert.deepEqual(outcomeOf(hosts({ 'a:1': response(0x1000) })), {
    kind: 'retry',
    why: 'cassandra: too few replicas are up',
    ambiguous: false,
    scope: 'lane',
  });
  assert.deepEqual(outcomeOf(socketError()), {
    kind: 'retry',
    why: 'cassandra: connection lost',
    ambiguous: true,
    scope: 'lane',
  });
});

test('a login that fails is tried again for rows: they are not at fault', () => {
  assert.equal(outcomeOf(new errors.AuthenticationError('bad')).kind, 'retry');
});

test('the stack traces in the message of NoHostAvailableError are never passed on', () => {
  const inner = new Error('connect ECONNREFUSED');
  const error = hosts({ 'a:1': Object.assign(inner, { isSocketError: true }), 'b:1': inner });
  assert.match(error.message, /ECONNREFUSED/);
  assert.equal(classify(error).why, 'connection lost');
});
