/**
 * Return the flags of `docker create` for a container of ours that serves agents: no rights, and no file system that it could
 * write to.
 *
 * @param user Without rights or files in its image, as `uid:gid`.
 */
export const serviceSandbox = (user: string): string[] => [
  '--pull=never',
  '--restart=no',
  `--user=${user}`,
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--read-only',
  // A core dump would contain secrets.
  '--ulimit=core=0',
];
