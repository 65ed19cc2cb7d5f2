import { plainText } from './text.ts';

/** GitHub Actions, Azure Pipelines and TeamCity take `##[`, `##vso[` and `##teamcity[` in any place of a line for a command. */
const runnerCommand = /##(?=\w*\[)/g;

/** Return text in which no CI runner finds such a command, and no terminal a control sequence. */
export const forLog = (text: string) => plainText(text).replace(runnerCommand, '# #');

/** The same for a line that an agent has printed: in GitHub Actions it begins no command either. */
export const outputForLog = (line: string, env: NodeJS.ProcessEnv = process.env) =>
  env.GITHUB_ACTIONS === 'true' ? forLog(line).replace(/^(?=\s*::)/, '|') : forLog(line);

/** The same for an error message, of which no further line begins with `::`, as commands of GitHub Actions do. */
export const errorForLog = (text: string) => forLog(text).replace(/\n(?=\s*::)/g, '\n|');

/** Return JSON that a parser reads as the same value, and in which no CI runner finds a command. */
export const jsonForLog = (value: unknown) => JSON.stringify(value).replace(runnerCommand, '#\\u0023');
