/**
 * Return the agent that a request comes from, by the name of its container on its network, which Docker's name server has
 * for the address of the client; null for any other container.
 */
export function agentNamed(name: string | undefined, runId: string): string | null {
  const prefix = `tmux-agent-${runId}-`;
  if (name === undefined || !name.startsWith(prefix)) return null;
  return /^(.+)-[1-9]\d*\./.exec(name.slice(prefix.length))?.[1] ?? null;
}
