import type { AgentPlan } from '../spec/plan.ts';

/** The folder that `agent-auth` copies from. */
const authFolder = '/run/agent/auth';
export const sshAgentSocket = '/run/agent/ssh-agent.sock';

interface AuthMount {
  readonly source: string;
  readonly target: string;
}

/** Return the read-only mounts of the caller's logins, without the files that are sent instead. */
export const loginMounts = (
  plan: AgentPlan,
  { sendsLogins = false }: { readonly sendsLogins?: boolean },
): AuthMount[] => [...(sendsLogins ? [] : loginFiles(plan)), ...sshAgentMounts(plan)];

/** Return the files of the caller's logins, in the user's home if it is known, else in the folder to copy from. */
export function loginFiles(plan: AgentPlan): (AgentPlan['auth']['files'][number] & AuthMount)[] {
  const { auth, user, image, build } = plan;
  const isRoot = user === null ? image === null && build === null : user.uid === 0;
  const files = auth.files.map(file => ({
    ...file,
    target: isRoot && !file.isCopied ? `/root/${file.home}` : `${authFolder}/${file.home}`,
  }));
  return files.filter(isOwn(plan));
}

export const sshAgentMounts = (plan: AgentPlan): AuthMount[] =>
  plan.auth.sshAgent === null
    ? []
    : [{ source: plan.auth.sshAgent, target: sshAgentSocket }].filter(isOwn(plan));

/** A mount of the spec takes precedence. */
const isOwn =
  ({ mounts }: AgentPlan) =>
  ({ target }: AuthMount) =>
    mounts.every(own => own.target !== target);
