/** The port on which the proxy of a run's network listens. */
export const proxyPort = 3128;

/** Ports in the container of a proxy with secrets: of the program that has them, and of squid for that program. */
export const secretsPort = 3129;
export const proxyBackPort = 3130;

/** The directory of its files, in memory. */
export const proxyDirectory = '/run/proxy';

/**
 * Docker's name server forwards unknown names, up to version 26 even for internal networks (CVE-2024-29018). This flag
 * forwards them to an address without a name server; names of containers still resolve.
 */
export const noOutsideNames = ['--dns=127.0.0.1'] as const;

/** Return the environment variables that make programs use the proxy. */
export const proxyEnv = (proxy: string) => {
  const url = `http://${proxy}:${proxyPort}`;
  const noProxy = 'localhost,127.0.0.1';
  return {
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    http_proxy: url,
    https_proxy: url,
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    // The docker client adds the ones of its config.json that are not set here.
    FTP_PROXY: '',
    ftp_proxy: '',
    ALL_PROXY: '',
    all_proxy: '',
    NODE_USE_ENV_PROXY: '1',
  };
};
