//! TLS trust: the host's certificate store and the certificates of a file, and why a certificate is not accepted.

use std::io;
use std::path::Path;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::text::plain::one_line;

const LONGEST_REASON: usize = 200;

pub(super) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // A damaged certificate in the host's store only means that it is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let added = add_file(&mut roots, path);
        added.map_err(|why| {
            let why = one_line(&why, LONGEST_REASON);
            format!("cannot use {} as `ca_file`: {why}", path.display())
        })?;
    }
    if roots.is_empty() {
        let advice = "install its `ca-certificates`, or name a file of them with `ca_file`";
        return Err(format!(
            "this machine trusts no certificate at all: {advice}"
        ));
    }
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used here: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The end of a sentence about a certificate: `has expired: renew it`.
pub(super) fn objection(reason: &CertificateError) -> String {
    let words = match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired: renew it"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: check the clock of this machine"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name: use the name in the certificate"
        }
        // This includes an authority that is known by name, but not by its key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is signed by no authority that this machine trusts: set `ca_file` to the authority's certificate"
        }
        CertificateError::Revoked => "has been revoked",
        other => return one_line(&format!("is not accepted: {other}"), LONGEST_REASON),
    };
    words.to_owned()
}

/// Whether the other side closed the connection, with or without unread bytes.
pub(super) fn hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let file = std::fs::read(path).map_err(|error| error.to_string())?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file).collect();
    let found = found.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("it holds no certificate (PEM)".to_owned());
    }
    for certificate in found {
        let added = roots.add(certificate);
        added.map_err(|error| error.to_string())?;
    }
    Ok(())
}
