import type { ExecutionContext } from 'ava';

/** Set variables of this process until the end of the test. */
export function setEnvironment(t: ExecutionContext, variables: Readonly<Record<string, string>>): void {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  t.teardown(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, before);
  });
}

/** Let docker use its default context, with settings in this home directory. */
export const useDefaultContext = (t: ExecutionContext, home: string) =>
  setEnvironment(t, { DOCKER_HOST: '', DOCKER_CONTEXT: '', DOCKER_CONFIG: '', HOME: home });
