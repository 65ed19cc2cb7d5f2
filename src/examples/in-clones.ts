const bound = /^ *\/\/ The directory that agents find at \/workspace[^\n]*\n( *)"workspace": "\."/m;

/** The starter for a git repository: its agents work in clones, and leave the user's own files alone. */
export const inClones = (spec: string): string =>
  spec.replace(
    bound,
    (_, indent: string) =>
      `${indent}// Each agent finds a clone of this repository at /workspace: what is committed in it. What it changes there\n${indent}// is branch agent-flow/<run>/<agent> afterwards. With "workspace": "." agents work in the directory itself.\n${indent}"workspace": { "mode": "clone", "path": "." }`,
  );
