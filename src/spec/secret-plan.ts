/** The calls for which the broker replaces a placeholder by a key. */
export interface BrokerPlan {
  /** Address of the API, without a slash at its end. */
  readonly upstream: string;
  /** The path of the address that the agent has. */
  readonly base: string;
  /** Calls that may be made, as `POST /v1/messages` with the path after that address; `*` stands for a part of a path. */
  readonly paths: readonly string[];
  /** The header with the key, in lower case, and its text before the key. */
  readonly header: string;
  readonly prefix: string;
  /** The beginning of the placeholder. */
  readonly placeholder: string;
  /** true: the user has set the address, which may be one on the network of the agent. */
  readonly isCustom: boolean;
}

/** The destination of a secret that its agent does not get. */
export interface HostSecretPlan {
  /** With their ports: `api.example.com:443`. */
  readonly hosts: readonly string[];
  /** The header and its content, in which `$` stands for the value. */
  readonly header: string;
}
