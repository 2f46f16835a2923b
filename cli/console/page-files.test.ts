/** The page is whole: each module and asset that it names is served, and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageFile } from './page-files.ts';

const text = (name: string) => {
  const file = pageFile(name);
  assert.ok(file !== undefined, `${name} is served`);
  return file.text;
};

test('all that the page names is there, from its own folder', () => {
  const index = text('index.html');
  const named = [...index.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, name]) => name!);
  assert.deepEqual(named, ['icon.svg', 'picture.css', 'console.css', 'page.ts']);
  const seen = new Set(named);
  for (const name of seen) {
    if (!name.endsWith('.ts')) text(name);
    else for (const [, of] of text(name).matchAll(/from '\.\/([^']+)'/g)) seen.add(of!);
  }
  assert.ok(seen.has('rates.ts'));
});

test('nothing of it is inline, or from elsewhere: its policy would keep it from running', () => {
  assert.doesNotMatch(text('index.html'), /<script>|<style|style=|\son\w+=|https?:/);
  for (const name of ['console.css', 'picture.css', 'page.ts', 'api.ts', 'elements.ts']) {
    assert.doesNotMatch(text(name), /https?:|@import|innerHTML|\beval\b/, name);
  }
});

test('modules are JavaScript that keeps its lines, and Node says nothing of it', async () => {
  const warned: unknown[] = [];
  const listen = (warning: Error) => warned.push(warning);
  process.on('warning', listen);
  const source = text('rates.ts');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  assert.deepEqual(warned, []);
  assert.doesNotMatch(source, /: number|import type|readonly /);
  assert.match(source, /export class FlowHistory/);
});

test('the picture has its colours, and they are the picture’s alone', () => {
  assert.match(text('picture.css'), /^\.picture \{\n[\s\S]*\.chip\{[\s\S]*\}\n$/);
});

for (const name of [
  'rates.test.ts',
  'tsconfig.json',
  'page.js',
  '../package.json',
  'nothing.ts',
  'answers',
  '',
]) {
  test(`not served: "${name}"`, () => assert.equal(pageFile(name), undefined));
}
