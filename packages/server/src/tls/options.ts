/** The options of TLS. */

/** A certificate chain and its private key, both PEM: the text itself, or the path of a file. */
export interface TlsCertificate {
  /** The certificate, followed by the intermediate ones up to a root that clients trust. */
  readonly cert: string;
  /** Without a passphrase. */
  readonly key: string;
}

/**
 * The default certificate, and further ones for the names that clients ask for (SNI, RFC 6066 §3). Files are checked every five
 * seconds. The next connection gets a new certificate; one that cannot be used is logged, and the old one stays.
 */
export interface TlsOptions extends TlsCertificate {
  /** By host name. `*.example.test` stands for every name with one label more that has no entry of its own. */
  readonly serverNames?: Readonly<Record<string, TlsCertificate>>;
  /**
   * Whether the server requests a certificate of the client. `request`: the client may send one, and
   * `exchange.tls.clientCertificate.authorized` says whether {@link clientAuthorities} signed it. `require`: a client without such a
   * certificate is refused. Default `none`.
   */
  readonly clientCertificates?: "none" | "request" | "require";
  /** The authorities that may sign certificates of clients: one or several as PEM, the text or the path of a file. */
  readonly clientAuthorities?: string;
  /** Default `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** The other options beside a self-signed certificate: `{ cert: "self-signed", clientCertificates: "request", … }`. */
export interface SelfSignedOptions extends Omit<TlsOptions, "cert" | "key"> {
  readonly cert: "self-signed";
}

/** `self-signed`: a certificate for development, made at each start, which no client trusts. */
export type TlsChoice = TlsOptions | SelfSignedOptions | "self-signed";
