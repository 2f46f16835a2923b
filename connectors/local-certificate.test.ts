import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { localCertificate } from './local-certificate.ts';

test('the certificate says its names, its time, and verifies with its own key', () => {
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const made = localCertificate(['localhost', '127.0.0.1', 'oauth2.googleapis.com'], nowMs);
  const read = new X509Certificate(made.cert);
  assert.equal(read.subject, 'CN=localhost');
  assert.equal(
    read.subjectAltName,
    'DNS:localhost, IP Address:127.0.0.1, DNS:oauth2.googleapis.com',
  );
  assert.equal(read.validFromDate.toISOString(), '2026-01-01T03:04:05.000Z');
  assert.equal(read.validToDate.toISOString(), '2027-01-02T03:04:05.000Z');
  assert.ok(read.verify(read.publicKey));
  assert.equal(read.checkHost('localhost'), 'localhost');
  assert.equal(read.checkIP('127.0.0.1'), '127.0.0.1');
});
