import { randomUUID } from 'node:crypto';
import test from 'ava';
import { execa } from 'execa';

/** Images that are not ours, made from Debian without a registry. */

/** Ubuntu by its os-release, with every field that an image can set about how it runs. */
export const ubuntu = `
FROM debian:bookworm-slim
RUN useradd --create-home --uid 1001 ubuntu \\
 && sed -i -e 's/^ID=.*/ID=ubuntu/' -e 's/^PRETTY_NAME=.*/PRETTY_NAME="Ubuntu 24.04 LTS"/' /usr/lib/os-release
ENV PATH=/usr/bin:/bin TOOL_HOME=/opt/tool
VOLUME /workspace /run /tmp /data
HEALTHCHECK CMD false
STOPSIGNAL SIGKILL
SHELL ["/none", "-c"]
WORKDIR /home/ubuntu
USER ubuntu
ENTRYPOINT ["/usr/bin/false"]
CMD ["--nonsense"]
`;

/** Like Fedora: `sh` is bash. */
export const fedora = `
FROM debian:bookworm-slim
RUN ln -sf bash /bin/sh && sed -i -e 's/^ID=.*/ID=fedora/' -e 's/^PRETTY_NAME=.*/PRETTY_NAME="Fedora Linux 42"/' /usr/lib/os-release
`;

/** Alpine by its os-release: busybox alone, without a C library. Built once for a test file. */
export const alpine = () => {
  busybox ??= image(file, alpineStages);
  return busybox.then(name => `FROM ${name}`);
};

let busybox: Promise<string> | null = null;
const undo: (() => unknown)[] = [];
const file = { teardown: (work: () => unknown) => void undo.push(work) };
test.after.always(() => Promise.all(undo.map(work => work())));

const alpineStages = (mark: string) => `
FROM debian:bookworm-slim AS tools
LABEL agent-flow-test=${mark}
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static
RUN install -d -m 755 /alpine/bin /alpine/etc /alpine/home/worker && install -d -m 1777 /alpine/tmp \\
 && cp /bin/busybox /alpine/bin/ \\
 && for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "/alpine/bin/$applet"; done \\
 && echo 'worker:x:1000:1000::/home/worker:/bin/sh' >/alpine/etc/passwd \\
 && printf 'ID=alpine\\nPRETTY_NAME="Alpine Linux v3.20"\\n' >/alpine/etc/os-release
FROM scratch
COPY --from=tools /alpine/ /
USER worker
ENTRYPOINT ["/bin/busybox", "false"]
`;

/** A Dockerfile, or a function that makes one; it may label its stages with the mark by which they are removed. */
export type Recipe = string | ((mark: string) => string | Promise<string>);

/** Build a new image that is removed after its test, with everything built on it. */
export async function image(t: Teardown, recipe: Recipe): Promise<string> {
  const mark = randomUUID();
  const name = `agent-flow-test-image:${mark}`;
  const input = typeof recipe === 'string' ? recipe : await recipe(mark);
  await execa('docker', ['build', '--quiet', `--tag=${name}`, `--label=agent-flow-test=${mark}`, '-'], {
    input,
  });
  t.teardown(async () => {
    // Containers inherit the label.
    const { stdout } = await execa('docker', ['ps', '-aq', `--filter=label=agent-flow-test=${mark}`]);
    const left = stdout.split('\n').filter(Boolean);
    if (left.length > 0) await execa('docker', ['rm', '--force', '--volumes', ...left]);
    const made = await images(`--filter=label=agent-flow-test=${mark}`);
    await execa('docker', ['rmi', '--force', ...made], { reject: false });
  });
  return name;
}

type Teardown = { teardown(work: () => unknown): void };

export const images = async (...filters: readonly string[]) => [
  ...new Set(
    (await execa('docker', ['images', '--quiet', '--no-trunc', ...filters])).stdout
      .split('\n')
      .filter(Boolean),
  ),
];
