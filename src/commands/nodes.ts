import { reachCurrent } from '../connection/engine-connection.ts';
import { nodesOf } from '../connection/swarm-nodes.ts';
import { table } from '../text/table.ts';
import { oneLine } from '../text/text.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';
import { managerContext, managerOption } from './engine-option.ts';
import { cellsOf, heading, nodeRow } from './nodes/node-row.ts';

interface NodesOptions extends CommonOptions {
  readonly swarm?: string;
  readonly json: boolean;
}

export const nodes: Command = {
  options: yargs =>
    yargs.option('swarm', { ...managerOption, conflicts: 'context' }).option('json', {
      type: 'boolean',
      default: false,
      describe: 'Print them as one line of JSON',
    }),

  async handler({ swarm, json }: NodesOptions) {
    const manager = await reachCurrent(undefined, { context: managerContext(swarm) });
    const rows = await Promise.all((await nodesOf(manager)).map(nodeRow));
    if (json) {
      printJson(rows);
      return 0;
    }
    process.stdout.write(`${table([heading, ...rows.map(cellsOf)])}\n`);
    for (const { node, problem } of rows)
      if (problem !== null) printLine(`node ${oneLine(node)}: ${oneLine(problem)}`);
    return 0;
  },
};
