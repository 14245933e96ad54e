//! Whom we trust: the host's own certificate store, and the certificates of a file besides.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use crate::render::words::harmless;

use super::HttpError;

pub(super) fn client(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, HttpError> {
    let mut roots = RootCertStore::empty();
    // A damaged certificate in the host's store only means that it is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        add_file(&mut roots, path)?;
    }
    if roots.is_empty() {
        return Err(HttpError::Trust(
            "this machine trusts no certificate at all: install its `ca-certificates`, or name a file of them with `ca_file`"
                .to_owned(),
        ));
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::Trust(error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), HttpError> {
    let trouble = |reason: String| {
        HttpError::Trust(format!(
            "cannot use {} as `ca_file`: {}",
            path.display(),
            harmless(&reason)
        ))
    };
    let file = std::fs::read(path).map_err(|error| trouble(error.to_string()))?;
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(&file) {
        let certificate = certificate.map_err(|error| trouble(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| trouble(error.to_string()))?;
        found = true;
    }
    match found {
        true => Ok(()),
        false => Err(trouble("it holds no certificate (PEM)".to_owned())),
    }
}

/// Why a handshake failed, for somebody who runs the server or asks who does.
pub(super) fn reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let certificate = match inner {
        Some(Error::InvalidCertificate(certificate)) => certificate,
        Some(Error::InvalidMessage(_)) => return "it does not speak TLS there".to_owned(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            return "it closed the connection during the handshake".to_owned();
        }
        _ => return harmless(&error.to_string()),
    };
    let words = match certificate {
        // An authority that we know by name, but not by its key, is no other case.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody whom this machine trusts has signed its certificate; `ca_file` names further certificates to trust"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::Revoked => "its certificate has been revoked",
        other => return harmless(&format!("its certificate is not accepted: {other}")),
    };
    words.to_owned()
}
