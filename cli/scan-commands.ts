/** The commands that look into the log: what is in it, and what to do with what was found. */
import type { Command } from 'commander';
import { choice, DEPLOYMENT, type SetExit, whole } from './arguments.ts';

/** The options that choose records. */
function choosing(command: Command): Command {
  return command
    .option(...DEPLOYMENT)
    .option('--where <cel>', 'only those for which it is true, over value, key and timestamp')
    .option('--from <when>', 'start, end, a time, or how long ago: 10m', 'start')
    .option('--to <when>', 'only what is before: a time, or how long ago')
    .option('--key <text>', 'only records of that key')
    .option('--partition <n>', 'only of that partition', whole(0))
    .option('--offset <n>', 'with --partition: from that offset on', whole(0));
}

export function scanCommands(program: Command, exit: SetExit): void {
  choosing(
    program
      .command('tail')
      .description('print the records of topics, decoded; of a table its present rows')
      .argument('<topics...>', "events.plan-change, 'events.*', dead-letters, outcomes, …"),
  )
    .option('--follow', 'go on when the end is reached')
    .option('--history', 'of a table all rows that it ever had')
    .option('--count <n>', 'end after so many records', whole(1))
    .option(
      '--format <form>',
      'pretty; json: one line each, as drive takes them; count: only how many',
      choice('pretty', 'json', 'count'),
      'pretty',
    )
    .action(async (topics, options) => {
      exit(await (await import('./commands/tail.ts')).tail(topics, options));
    });
  choosing(
    program
      .command('record')
      .description('write what topics hold of a span of time, as lines for drive --in')
      .argument('[topics...]', 'default: what the topology reads, tables with their present rows'),
  )
    .option('--history', 'of a table all rows that it ever had')
    .option('--out <file>', 'a file in place of standard output')
    .option('--max <n>', 'refuse when there are more records', whole(1), 200_000)
    .action(async (topics, options) => {
      exit(await (await import('./commands/record.ts')).record(topics, options));
    });
  program
    .command('diff')
    .description('compare what two runs of drive told; exit status 1 when they differ')
    .argument('<a>', 'what drive printed')
    .argument('<b>', 'what it printed of another topology, or another feed')
    .option(
      '--ignore <paths>',
      'fields that may differ, with commas; numbers differ when one more is told',
      'sequence,previous',
    )
    .option('--format <form>', 'text, or json for programs', choice('text', 'json'), 'text')
    .action(async (a, b, options) => {
      exit(await (await import('./commands/diff.ts')).diff(a, b, options));
    });
  program
    .command('query')
    .description('print what the steps of the topology keep: counts, held events, numbers, …')
    .argument('[store]', '<stream>/<step>, tables/<name>, <priority>/numbers; default: list them')
    .option(...DEPLOYMENT)
    .option('--key <values...>', 'only rows whose key begins with these values')
    .option('--range <from..to>', 'only rows whose first value is from there on, and before `to`')
    .option('--partition <n>', 'only of that partition', whole(0))
    .option('--max <n>', 'show so many', whole(1), 1_000)
    .option('--format <form>', 'pretty, or json: a line each', choice('pretty', 'json'), 'pretty')
    .action(async (store, options) => {
      exit(await (await import('./commands/query.ts')).query(store, options));
    });
  choosing(
    program
      .command('redrive')
      .description('send dead letters back to where they came from, once each, after a mend'),
  )
    .option('--reason <codes>', 'only those of these codes: CAR508,CAR505')
    .option('--origin <topic>', 'only those that came from this topic')
    .option('--send', 'do it; without it only what would be sent is shown')
    .action(async (options) => {
      exit(await (await import('./commands/redrive.ts')).redrive(options));
    });
}
