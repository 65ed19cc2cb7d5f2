import { plainText } from './text.ts';

/** GitHub Actions, Azure Pipelines and TeamCity read `##[`, `##vso[` and `##teamcity[` anywhere in a line as a command. */
const runnerCommand = /##(?=\w*\[)/g;

/** Return the text without commands for a CI runner and without control sequences for a terminal. */
export const forLog = (text: string) => plainText(text).replace(runnerCommand, '# #');

/** Return a line of an agent's output for a log. In GitHub Actions it does not begin a `::` command either. */
export const outputForLog = (line: string, env: NodeJS.ProcessEnv = process.env) =>
  env.GITHUB_ACTIONS === 'true' ? forLog(line).replace(/^(?=\s*::)/, '|') : forLog(line);

/** Return an error message for a log. No further line of it begins with `::`, as commands of GitHub Actions do. */
export const errorForLog = (text: string) => forLog(text).replace(/\n(?=\s*::)/g, '\n|');

/** Return JSON that parses to the same value and has no command for a CI runner. */
export const jsonForLog = (value: unknown) => JSON.stringify(value).replace(runnerCommand, '#\\u0023');
