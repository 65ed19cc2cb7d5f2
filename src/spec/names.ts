/**
 * Maximum length of an agent's name. It is part of the name and host name of the container,
 * `tmux-agent-<run>-<agent>-<attempt>`, of at most 63 characters: 11 + 12 + 1 + 36 + 1 + 2.
 */
export const maxAgentNameLength = 36;

export const agentName = /^[a-z0-9](?:[a-z0-9-]{0,34}[a-z0-9])?$/;
/** A name in a matrix: `matrix.NAME` is a label of the container. */
export const matrixKey = /^[A-Za-z](?:[A-Za-z0-9_]{0,30}[A-Za-z0-9])?$/;
export const runIdPattern = /^r[a-z0-9]{7}$/;
export const flowName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** Docker's own rule for names of contexts. */
export const contextName = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
/** A constraint of Docker Swarm on nodes. */
export const placementConstraint =
  /^(?:node|engine)\.[A-Za-z0-9._/-]+ *[!=]= *[A-Za-z0-9][A-Za-z0-9 :._/+-]*$/;
/** The kind of a generic resource of Docker Swarm. */
export const genericResource = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
export const envName = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A name that every AI CLI accepts for an MCP server. */
export const mcpServerName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
export const networkName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** The name of a Dockerfile stage after AS, or its number. */
export const buildTarget = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** An index, a MIG device `0:1`, or an id such as `GPU-3faa…`. */
export const gpuId = /^[A-Za-z0-9][A-Za-z0-9:/_-]{0,127}$/;

/** The prefix `tmux-agents` is reserved: it marks the containers that the engine may touch. */
export const labelKey = /^(?!tmux-agents)[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?$/;

/** Values of `--network` that do not name a user-defined bridge. */
export const reservedNetworks: readonly string[] = ['host', 'none', 'bridge', 'default'];

/** The grammar of github.com/distribution/reference; any other first character could be read as an option. */
export const imageReference = (() => {
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
  const host = `${label}(?:\\.${label})*(?::[0-9]+)?`;
  const component = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*';
  const tag = ':[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
  const digest = '@sha256:[a-f0-9]{64}';
  return new RegExp(`^(?=[a-z0-9])(?:${host}/)?${component}(?:/${component})*(?:${tag})?(?:${digest})?$`);
})();
