/**
 * What readers copy is right: each fenced block of the README and of the pages in docs/ that says
 * its language is judged here by what it is. A command line is one that the program takes, a
 * request one that the gateway serves, YAML a topology, a test or a deployment without a fault.
 * Programs in JavaScript and TypeScript are run by the tests that are named with them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseDeployment } from '../../cli/deployment.ts';
import { compile } from '../../compiler/compile.ts';
import { render } from '../../compiler/render.ts';
import { readSchemaFolder } from '../../schemas/folder.ts';
import { ROOT } from '../rings.ts';
import { files } from '../tidy/tree.ts';
import { catalog, completed } from './example.ts';
import { type Block, blocksOf } from './guides/blocks.ts';
import { commandFaults } from './guides/command-lines.ts';

const schemas = readSchemaFolder(
  ...['schemas', 'test/golden/guides/schemas'].map((folder) => join(ROOT, folder)),
);
const PASSWORD = 'of-sixteen-bytes';
const ENV = {
  FCM_PROJECT: 'my-app',
  KAFKA_PASSWORD: PASSWORD,
  REGISTRY_PASSWORD: PASSWORD,
  CASSANDRA_PASSWORD: PASSWORD,
};

const PAGES = files.filter(
  (file) => file === 'README.md' || /^docs\/(?!errors\/|reference\/|decisions\/).*\.md$/.test(file),
);
const BLOCKS = PAGES.flatMap((page) => blocksOf(page, readFileSync(join(ROOT, page), 'utf8')));

/** Keys that only a deployment has at its top. */
const DEPLOYMENT = /^(?:log|state|http|auth|inbox|processors|connectors|registry|data_folder):/m;

function yamlFaults({ text, place }: Block): string {
  if (DEPLOYMENT.test(text)) {
    const inbox = 'inbox: { kind: cassandra, contact_points: [c], local_data_center: dc }\n';
    const beside = /^registry:/m.test(text) ? '' : `registry: { url: "http://r" }\n${inbox}`;
    const whole = /kind: kafka/.test(text) ? `${text}${beside}` : text;
    parseDeployment(whole, { file: place, folder: ROOT, env: ENV });
    return '';
  }
  const whole = /^topology:/m.test(text) ? text : completedBy(text);
  const { diagnostics } = compile(whole, { file: place, catalog, schemas, env: ENV });
  return render(diagnostics, new Map([[place, whole]]));
}

/** A part, with a topology around it that has what it speaks of. */
function completedBy(part: string): string {
  if (part.startsWith('to:')) return completed(`streams:\n${streamOf('normal', part)}`);
  if (part.startsWith('priorities:')) {
    const names = part.match(/(?<=^ {2})\w+(?=:)/gm)!;
    return completed(`${part}streams:\n${names.map((name) => streamOf(name, TO)).join('')}`);
  }
  if (/^fields:/m.test(part)) {
    const order = streamOf('normal', TO).replaceAll('plan-change', 'order');
    return completed(`${part}streams:\n${order.replace('PlanChange', 'Order')}`);
  }
  const transports = new Set(part.match(/(?<=transport: )\w+/g) ?? ['inbox']);
  return completed(part).replace('[inbox]', `[${[...transports].join(', ')}]`);
}

const TO = 'to: { lane: notifications }\n';

const streamOf = (priority: string, to: string) => `  ${priority}:
    id: ${priority}
    priority: { as: ${priority} }
    from: { topic: events.plan-change, schema: PlanChange }
    steps:
      - gate_staleness: { max_age: 1h }
      - fan_out: { table: devices }
    ${to}`;

function jsonFaults({ text }: Block): string {
  JSON.parse(text.replace(/\[ … \]/g, '[]').replace(/, …/g, ''));
  return '';
}

/** Only whether it can be read: that it does what it says is a matter of a running pipeline. */
function scriptFaults({ text }: Block): string {
  stripTypeScriptTypes(text);
  return '';
}

const JUDGES: { readonly [language: string]: (block: Block) => string } = {
  sh: ({ text }) => commandFaults(text).join('\n'),
  yaml: yamlFaults,
  json: jsonFaults,
  js: scriptFaults,
  ts: scriptFaults,
};

/** What a test of its own runs, as a whole with what stands around it. */
const RUN_ELSEWHERE: { readonly [page: string]: { readonly [language: string]: string } } = {
  'docs/guides/clocks.md': { yaml: 'test/golden/clocks.test.ts' },
  'docs/guides/seventh-use-case.md': { yaml: 'test/golden/seventh-use-case.test.ts' },
  'docs/guides/producers.md': { python: 'test/cluster/python-producer.cluster.test.ts' },
};

for (const block of BLOCKS) {
  const { place, page, language } = block;
  const elsewhere = RUN_ELSEWHERE[page]?.[language];
  if (elsewhere !== undefined) {
    test(`${place} is run by ${elsewhere}`, () => assert.ok(files.includes(elsewhere)));
    continue;
  }
  test(`${place} (${language}) is right`, () => {
    const judge = JUDGES[language];
    assert.ok(judge, `nobody judges blocks of "${language}"`);
    assert.equal(judge(block), '');
  });
}

for (const [what, line, fault] of [
  ['an option', 'carillon tail outcomes --folow', "error: unknown option '--folow'"],
  ['a command', 'npx carillon tial', "error: unknown command 'tial'"],
  ['a script', 'npm run -s carilon -- check', 'package.json has no script "carilon"'],
  ['what is given through npm', 'npm run -s carillon -- check --strickt', '--strickt'],
  ['a verb of npm', 'npm pakc', 'npm has no "pakc" here'],
  ['a route', 'curl -sS http://127.0.0.1:7400/v1/device/my-tv', 'no GET /v1/device/my-tv'],
  ['a method', 'curl -X PUT http://127.0.0.1:7400/v1/events/x', 'no PUT /v1/events/x'],
  ['a body', "curl -X POST http://h/v1/events/x -d '{'", 'JSON'],
  ['a program', 'ls | gerp x', 'nobody knows'],
  ['what is piped', 'echo x | carillon produse', "unknown command 'produse'"],
  ['what a variable is made of', 'T=$(carillon tokn)', "unknown command 'tokn'"],
] as const) {
  test(`a fault in ${what} is seen`, () => {
    let said: string;
    try {
      said = commandFaults(line).join('\n');
    } catch (error) {
      said = String(error);
    }
    assert.ok(said.includes(fault), said);
  });
}
