/** Whether the command lines of a page are such that the program, npm and the gateway take them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addCommands } from '../../../cli/commands.ts';
import { OPERATIONS } from '../../../gateway/api/operations.ts';
import { ROOT } from '../../rings.ts';

const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: { readonly [name: string]: string };
};
const NPM_OWN = ['ci', 'install', 'pack', 'test', 'start'];

/** What a shell or a system brings. */
const OTHERS = ['cd', 'echo', 'export', 'jq', 'kill', 'docker', 'openssl'];

/** Words as a shell makes them; quotes are taken off, what they hold stays whole. */
export function wordsOf(line: string): string[] {
  const words = line.match(/(?:"(?:\\.|[^"])*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"])*)"|'([^']*)'/g, (_all, double?: string, single?: string) =>
      (double ?? single ?? '').replace(/\\"/g, '"'),
    ),
  );
}

/** The commands of a block: without comments, here-documents, and line ends within one. */
export function commandsOf(block: string): string[] {
  const lines = block.replace(/\\\n\s*/g, ' ').replace(/<<'END'\n[\s\S]*?^END$/gm, '');
  return lines.split('\n').flatMap((line) =>
    outsideQuotes(line)
      .map((command) => command.trim().replace(/^\w+=\$\((.*)\)$/, '$1'))
      .filter((command) => command !== ''),
  );
}

/** Cut at pipes and `&&`, up to a comment; not within quotes or $(…). */
function outsideQuotes(line: string): string[] {
  const parts = [''];
  let quote = '';
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const sign = line[at]!;
    if (quote !== '') quote = sign === quote && line[at - 1] !== '\\' ? '' : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '(' && line[at - 1] === '$') depth++;
    else if (sign === ')' && depth > 0) depth--;
    else if (sign === '#' && /\s|^$/.test(line[at - 1] ?? '')) break;
    else if (depth === 0 && (sign === '|' || line.startsWith('&&', at))) {
      parts.push('');
      at += sign === '|' ? 0 : 1;
      continue;
    }
    parts[parts.length - 1] += sign;
  }
  return parts;
}

export function commandFaults(block: string): string[] {
  return commandsOf(block).flatMap((command) => {
    const why = faultOf(wordsOf(command.replace(/\s>+\s*\S+/g, '')));
    return why === undefined ? [] : [`${command}: ${why}`];
  });
}

function faultOf(words: readonly string[]): string | undefined {
  const [program, ...rest] = words.filter((word, i) => i > 0 || !/^\w+=/.test(word));
  if (program === undefined || /^\w+=/.test(words[0]!)) return undefined;
  if (program === 'carillon') return carillonFault(rest);
  if (program === 'npx' && rest[0] === 'carillon') return carillonFault(rest.slice(1));
  if (program === 'npm') return npmFault(rest);
  if (program === 'curl') return curlFault(rest);
  return OTHERS.includes(program) ? undefined : 'nobody knows this program';
}

/** Parsed as the program does it, but nothing is done. */
function carillonFault(words: readonly string[]): string | undefined {
  const quiet = (command: Command) => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(quiet);
  };
  const program = new Command('carillon');
  addCommands(program, () => {});
  quiet(program);
  try {
    program.parse([...words], { from: 'user' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function npmFault(words: readonly string[]): string | undefined {
  const [verb, ...rest] = words.filter((word) => word !== '-s' && word !== '--silent');
  if (verb !== 'run') return NPM_OWN.includes(verb!) ? undefined : `npm has no "${verb}" here`;
  const [script, dashes, ...given] = rest;
  if (!(script! in PACKAGE.scripts)) return `package.json has no script "${script}"`;
  return script === 'carillon' && dashes === '--' ? carillonFault(given) : undefined;
}

function curlFault(words: readonly string[]): string | undefined {
  const method = words[words.indexOf('-X') + 1];
  const url = words.find((word) => word.startsWith('http'));
  if (url === undefined) return 'no address';
  const path = new URL(url).pathname;
  const verb = words.includes('-X') ? method : 'GET';
  const served = OPERATIONS.some(
    (one) => one.method.toUpperCase() === verb && pattern(one.path).test(path),
  );
  if (!served) return `the gateway has no ${verb} ${path}`;
  const body = words[words.indexOf('-d') + 1];
  if (words.includes('-d')) JSON.parse(body!.replace('$NOW', '1'));
  return undefined;
}

const pattern = (path: string) => new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`);
