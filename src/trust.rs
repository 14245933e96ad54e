//! TLS trust: the host's certificate store and the certificates of a file, and why a certificate is not accepted.

use std::io;
use std::path::Path;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};

use crate::text::plain::one_line;

const LONGEST_REASON: usize = 200;

/// Trusts what the host trusts, and these certificates.
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    // A damaged certificate in the host's store only means that it is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        add_file(&mut roots, path, "ca_file")?;
    }
    if roots.is_empty() {
        let advice = "install its `ca-certificates`, or name a file of them with `ca_file`";
        return Err(format!(
            "this machine trusts no certificate at all: {advice}"
        ));
    }
    config(roots)
}

/// Trusts nothing but these certificates, which a setting names.
pub fn only(path: &Path, setting: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    add_file(&mut roots, path, setting)?;
    config(roots)
}

fn config(roots: RootCertStore) -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be used here: {error}"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Why a handshake failed, for the operator of the server; a setting names authorities.
pub fn failure(error: &io::Error, setting: &str) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(TlsError::InvalidCertificate(why)) => {
            format!("its certificate {}", objection(why, setting))
        }
        Some(TlsError::InvalidMessage(_)) => "it does not speak TLS there".to_owned(),
        None if hung_up(error) => "it closed the connection during the handshake".to_owned(),
        _ => one_line(&error.to_string(), LONGEST_REASON),
    }
}

/// The end of a sentence about a certificate: `has expired: renew it`.
pub fn objection(reason: &CertificateError, setting: &str) -> String {
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
            return format!(
                "is signed by no authority that this machine trusts: set `{setting}` to the authority's certificate"
            );
        }
        CertificateError::Revoked => "has been revoked",
        other => return one_line(&format!("is not accepted: {other}"), LONGEST_REASON),
    };
    words.to_owned()
}

/// Whether the other side closed the connection, with or without unread bytes.
pub fn hung_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | BrokenPipe)
}

fn add_file(roots: &mut RootCertStore, path: &Path, setting: &str) -> Result<(), String> {
    let failed = |why: &str| {
        let why = one_line(why, LONGEST_REASON);
        format!("cannot use {} as `{setting}`: {why}", path.display())
    };
    let file = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file).collect();
    let found = found.map_err(|error| failed(&error.to_string()))?;
    if found.is_empty() {
        return Err(failed("it holds no certificate (PEM)"));
    }
    for certificate in found {
        let added = roots.add(certificate);
        added.map_err(|error| failed(&error.to_string()))?;
    }
    Ok(())
}
