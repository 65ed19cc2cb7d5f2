import { plainText } from '../text/text.ts';

/** Messages in the stderr of Docker, each followed by Podman's wording. */
const messages = {
  noContainer: /^no such (container|object)(: |$)|^no container with .* found: no such container$/i,
  noImage: /^no such image(: |$)|^unable to find image '.*' locally$|: (image not known|no such image)$/i,
  noNetwork: /^no such network(: |$)|(^|: )network \S+ not found$|: network not found$/i,
  noPath:
    /^could not find the file .+ in container \S+$|^no such container:path: |could not be found on container \S+: no such file or directory$/i,
  mount:
    /^invalid mount config for type |^bind source path does not exist: |^error while creating mount source path |^mounts denied: |^statfs \//i,
  notRunning: /^container \S+ is not running$|^can only create exec sessions on running containers/i,
  nameTaken:
    /^conflict\. the container name ".*" is already in use by |the container name ".*" is already in use by /i,
  networkExists: /^network with name \S+ already exists$|network already exists$/i,
  noVolume: /(^|: )no such volume(: |$)|no volume with name \S+ found/i,
  volumeBusy: /^remove \S+: volume is in use - |volume \S+ is being used/i,
  noService: /(^|: )(no such service: |service \S+ not found$)/i,
  swarmNameTaken: /name conflicts with an existing object/i,
  endpointExists: /endpoint with name \S+ already exists in network|is already connected to network/i,
  networkBusy: /^error while removing network: .* has active endpoints|: network is being used$/i,
  networkHasTask: /network \S+ is in use by (task|service) /i,
  imageBusy:
    /^conflict: unable to (remove|delete) |image is in use by a container|image has dependent children/i,
  removing: /^removal of container \S+ is already in progress$/i,
  noProgram:
    /exec: "[^"]*": (executable file not found|stat .*: no such file or directory)|executable file `[^`]*` not found|exec format error/i,
  stuckTask: /task [0-9a-f]{64}: already exists|failed to start shim: mkdir [^\n]*: file exists/i,
  logOptions: /max-buffer-size option is only supported/i,
  noSpace: /no space left on device/i,
} as const;

/** Return whether a line of stderr matches this message. Anchored patterns cannot match inside a quotation. */
export const matchesMessage = (message: keyof typeof messages, stderr: string): boolean =>
  linesOf(stderr).some(line => messages[message].test(line));

/** Return whether the container has ended or is gone. */
export const isContainerOver = (stderr: string) =>
  matchesMessage('noContainer', stderr) || matchesMessage('notRunning', stderr);

/** Return whether the container could not start because it lacks this program. */
export const isProgramMissing = (program: string, stderr: string) =>
  linesOf(stderr).some(
    line =>
      messages.noProgram.test(line) &&
      [`exec: "${program}": `, `file \`${program}\` `].some(named => line.includes(named)),
  );

/**
 * Remove warnings, which do not explain a failure: a client whose config.json is empty writes
 * `WARNING: Error parsing config file (…): EOF` each time.
 */
export const withoutWarnings = (stderr: string) => stderr.replace(/^WARNING: .*\n?/gm, '').trim();

/**
 * Return docker's message without its preamble and its pointers to help, whole, since any line of a quoted text may give
 * the reason. A long text is reduced to its beginning and its end.
 */
export function messageOf(text: string): string {
  return bounded(linesOf(text).join('\n'));
}

const linesOf = (text: string) =>
  withoutWarnings(plainText(text))
    .split('\n')
    .map(line => line.trim().replace(preamble, ''))
    .filter(line => line !== '' && !pointer.test(line));

const preamble = /^(docker: )?Error response from daemon: |^Error: (?=No such )/i;
/** Whole lines of docker that give no reason. */
const pointer =
  /^(See|Run) '?docker( [\w-]+)* --help'?( for more information)?\.?$|^Error: failed to start containers: \S+$|^exit status \d+$/;

const bounded = (text: string) =>
  text.length <= 1_000 ? text : `${text.slice(0, 700)} … ${text.slice(-300)}`;
