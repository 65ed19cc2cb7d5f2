import { posix } from 'node:path';
import type { Provider } from '../providers/provider.ts';
import { trustOf } from './customization.ts';
import type { CustomizationPlan } from './customization-plan.ts';
import type { References } from './references.ts';
import type { AgentSpec } from './schema.ts';

/** Return the parts of an agent's plan that are no arguments, settings or variables. */
export function resolveCustomization(
  provider: Provider | undefined,
  agent: AgentSpec,
  files: Pick<References, 'instructions' | 'skills'>,
): CustomizationPlan {
  if (provider === undefined) return {};
  const { instructions, skills = [], trustWorkspace = false } = agent;
  const { customization } = provider;
  const { instructions: workspaceFile } = trustOf(provider, agent);
  return {
    ...(instructions === undefined && workspaceFile === undefined
      ? {}
      : {
          instructions: {
            file: customization.instructions!,
            text: instructions === undefined ? '' : files.instructions.get(instructions)!,
            ...(workspaceFile === undefined ? {} : { workspaceFile }),
          },
        }),
    ...(skills.length === 0
      ? {}
      : {
          skills: skills.map(written => {
            const { source, sha256, name } = files.skills.values.get(written)!;
            return { source, sha256, home: posix.join(customization.skills!, name) };
          }),
        }),
    ...(trustWorkspace ? { trustsWorkspace: true as const } : {}),
  };
}
