import { join, relative, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { type Example, examples, starter } from '../examples/catalogue.ts';
import { copyExample } from '../examples/copy.ts';
import { inClones } from '../examples/in-clones.ts';
import { findWorkTree } from '../spec/workspaces.ts';
import { shellWord } from '../text/shell-quote.ts';
import { table } from '../text/table.ts';
import { oneLine } from '../text/text.ts';
import { findRepository, headCommit } from '../workspace/repository.ts';
import { type Command, type CommonOptions, printJson, printLine } from './command.ts';

interface InitOptions extends CommonOptions {
  readonly dir?: string;
  readonly example?: string;
  readonly list?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export const init: Command = {
  options: yargs =>
    yargs
      .positional('dir', {
        type: 'string',
        describe: 'Target directory (default: ., or the name of the example)',
      })
      .option('example', {
        type: 'string',
        requiresArg: true,
        describe: 'Copy this example instead of the commented starter',
      })
      .option('list', { type: 'boolean', describe: 'List the examples, and write nothing' })
      .option('force', { type: 'boolean', describe: 'Overwrite the spec, and no other file' })
      .option('json', {
        type: 'boolean',
        describe: 'Print the files or the list as one line of JSON',
      })
      .example('$0 init', 'Create a commented agent-flow.json')
      .example('$0 init --example NAME', 'Copy the example into a folder NAME'),

  async handler({ dir, example, list, force, json }: InitOptions) {
    const known = examples();
    if (list) {
      if (json) printJson(known.map(({ name, about }) => ({ name, about })));
      else process.stdout.write(`${table(known.map(({ name, about }) => [name, about]))}\n`);
      return 0;
    }
    const chosen = find(known, example ?? starter);
    const target = resolve(dir ?? (chosen.name === starter ? '.' : chosen.name));
    const adapt = chosen.name === starter && canBeCloned(target) ? inClones : (spec: string) => spec;
    copyExample(chosen, target, { force: force === true, adapt });
    const files = chosen.files.map(file => join(target, file));
    if (json) printJson({ spec: join(target, chosen.spec), files });
    else printLine(nextSteps(chosen, target));
    return 0;
  },
};

function find(known: readonly Example[], name: string): Example {
  const found = known.find(example => example.name === name);
  if (found) return found;
  throw new UsageError(
    `example ${oneLine(name)} does not exist. Found: ${known.map(({ name }) => name).join(', ')}`,
  );
}

function canBeCloned(target: string): boolean {
  const root = findWorkTree(target);
  const repository = root === null ? null : findRepository(root);
  return repository !== null && !('problem' in repository) && typeof headCommit(repository) === 'string';
}

/** Return what was written and the next two commands. */
function nextSteps({ spec, files }: Example, target: string): string {
  const place = (file: string) => oneLine(relative(process.cwd(), join(target, file)) || '.');
  const written = files.length === 1 ? place(spec) : `${place(spec)} and ${files.length - 1} more`;
  const first = files.includes('README.md')
    ? `Read ${place('README.md')} to see how to run it`
    : `agent-flow run ${shellWord(place(spec))}`;
  return `wrote ${written}. Next:\n  agent-flow doctor   (check prerequisites)\n  ${first}`;
}
