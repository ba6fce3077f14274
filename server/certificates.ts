import tls from "node:tls";

let isDone = false;

/**
 * Trusts what the system trusts besides what Node ships: a company's own certificate is installed there, and the editor, the
 * browser and npm work with it. Called before the first connection that needs it, because reading them takes a moment.
 */
export function trustSystemCertificates(): void {
  if (isDone) return;
  isDone = true;
  tls.setDefaultCACertificates([...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")])]);
}
