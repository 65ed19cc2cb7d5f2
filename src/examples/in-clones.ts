const bound = /^ *\/\/ Directory of the host at \/workspace[^\n]*\n( *)"workspace": "\."/m;

/** Adapt the starter for a git repository: let agents work in clones, so that the user's files stay unchanged. */
export const inClones = (spec: string): string =>
  spec.replace(
    bound,
    (_, indent: string) =>
      `${indent}// Each agent gets a clone of this repository, as committed, at /workspace. Its changes end up on the branch\n${indent}// agent-flow/<run>/<agent>. With "workspace": "." agents work in the directory itself.\n${indent}"workspace": { "mode": "clone", "path": "." }`,
  );
