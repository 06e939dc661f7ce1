/** What a server is told of TLS. */

/** A certificate chain and its private key, both PEM: the text itself, or the path of a file. */
export interface TlsCertificate {
  /** The certificate, and behind it those that lead to a root which clients know. */
  readonly cert: string;
  /** Without a passphrase. */
  readonly key: string;
}

/**
 * The certificate that a client is shown where no other one fits is named at once; further ones by the names that clients ask
 * for (SNI, RFC 6066 §3). Files are looked at every five seconds: new certificates hold from the next connection on, and where
 * they cannot be used the old ones stay and the log says why.
 */
export interface TlsOptions extends TlsCertificate {
  /** By host name; `*.example.test` is every name one label longer, where that name has none of its own. */
  readonly serverNames?: Readonly<Record<string, TlsCertificate>>;
  /**
   * Whether clients show a certificate. `request`: they may, and `exchange.tls.clientCertificate.authorized` tells what it is
   * worth. `require`: without one that {@link clientAuthorities} signed there is no connection. Default `none`.
   */
  readonly clientCertificates?: "none" | "request" | "require";
  /** Who may sign clients' certificates: PEM, one or several; text, or the path of a file. */
  readonly clientAuthorities?: string;
  /** Default `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** `self-signed`: a certificate for development, made anew at each start, which no client trusts. */
export type TlsChoice = TlsOptions | "self-signed";
