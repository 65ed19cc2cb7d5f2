import { maxArgumentLength } from './fields.ts';
import { asTemplates } from './fill-inputs.ts';
import type { Finding } from './findings.ts';
import { outputPath } from './output-text.ts';
import type { OutputSchemas } from './outputs.ts';
import type { AgentPlan, FlowPlan, OutputPlan } from './plan.ts';
import type { AgentSpec } from './schema.ts';
import { asTemplate } from './templates.ts';

export const resolveOutput = (name: string, outputs: OutputSchemas): OutputPlan | undefined => {
  const schema = outputs.get(name);
  return schema ? { schema } : undefined;
};

/** Return a prompt that also asks an AI CLI for its output. */
export const withOutputRequest = (prompt: string, output: OutputPlan): string =>
  `${prompt}${outputRequest(output)}`;

const outputRequest = ({ schema }: OutputPlan): string => `

Before you finish, write your result to the file ${outputPath}: JSON that matches the following JSON Schema, and nothing else.

${JSON.stringify(schema)}
`;

/** Keep the templates of an agent with references, and have all other texts stand for themselves. */
export function withTemplates(plan: AgentPlan, own: AgentSpec): AgentPlan {
  if (plan.inputs === undefined) return plan;
  const { prompt, args = [], command = [], env = {} } = own;
  const request = plan.output === undefined ? '' : outputRequest(plan.output);
  // The schema in a prompt is no template, but the prompt before it is one.
  const requested = prompt === undefined ? undefined : `${prompt}${asTemplate(request)}`;
  const asOwn = (text: string) =>
    requested !== undefined && text === `${prompt}${request}` ? requested : text;
  const named = {
    ...plan,
    prompt: plan.prompt === null ? null : asOwn(plan.prompt),
    command: plan.command.map(asOwn),
  };
  const texts = new Set([...args, ...command, ...(requested === undefined ? [] : [requested])]);
  return asTemplates(named, { texts, variables: new Set(Object.keys(env)) });
}

/** The request for its output makes a prompt longer, and an argument has a maximum length. */
export const checkOutputPrompts = ({ agents }: FlowPlan): Finding[] =>
  agents
    .filter(
      ({ output, command }) => output && command.some(word => Buffer.byteLength(word) > maxArgumentLength),
    )
    .map(({ name, provider }) => ({
      path: ['agents', name, 'output'],
      message: `${provider} takes its prompt as an argument, and with the schema this one is over 128 KiB`,
    }));
