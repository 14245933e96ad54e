//! TLS with the mail server: whom we trust, and what is wrong with a certificate in plain words.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error as TlsError, ProtocolVersion, RootCertStore, crypto,
};

use crate::config::duration::spoken;
use crate::config::{MailSettings, SmtpServer};
use crate::deliver::line::one_line;

use super::Refusal;
use super::dialogue::Stream;
use super::reach::place;

/// An encrypted line, as the doctor sees it.
#[derive(Debug, Clone)]
pub struct Secured {
    /// `TLS 1.3`
    pub version: &'static str,
    /// The server's certificate, in DER.
    pub certificate: Vec<u8>,
}

pub(super) async fn handshake(
    mail: &MailSettings,
    stream: Stream,
) -> Result<(Stream, Secured), Refusal> {
    let server = &mail.server;
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| Refusal::passing(format!("`{}` can have no certificate", server.host)))?;
    let connector = TlsConnector::from(Arc::new(client(server)?));
    let shaken = timeout(mail.timeout, connector.connect(name, stream)).await;
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(Refusal::passing(failure(&place(server), &error))),
        Err(_) => {
            let limit = spoken(mail.timeout);
            return Err(Refusal::passing(format!(
                "{} did not finish the TLS handshake within {limit}",
                place(server)
            )));
        }
    };
    let connection = stream.get_ref().1;
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let secured = Secured {
        version,
        certificate: certificate.map(|one| one.to_vec()).unwrap_or_default(),
    };
    Ok((Box::new(stream), secured))
}

/// A server may repeat what it was told; what it was told at sign-in must not be seen.
pub(super) fn without_secrets(refusal: Refusal, server: &SmtpServer) -> Refusal {
    let Some(password) = &server.password else {
        return refusal;
    };
    let password = password.expose_secret();
    let user = server.user.as_deref().unwrap_or_default();
    let plain = STANDARD.encode(format!("\0{user}\0{password}"));
    let secrets = [plain, STANDARD.encode(password), password.to_owned()];
    let reply = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(refusal.reply, |reply, secret| reply.replace(secret, "***"));
    Refusal { reply, ..refusal }
}

fn client(server: &SmtpServer) -> Result<ClientConfig, Refusal> {
    let mut trusted = RootCertStore::empty();
    // Certificates of the host that cannot be read are the host's affair: one that is missed is named below.
    trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = &server.ca_file {
        for certificate in own_authorities(path)? {
            trusted.add(certificate).map_err(|error| {
                Refusal::passing(format!(
                    "`{}` holds a certificate that is none: {error}",
                    path.display()
                ))
            })?;
        }
    }
    if trusted.is_empty() {
        return Err(Refusal::passing(
            "this machine trusts no certificate at all: install ca-certificates, or set `ca_file` under [mail]".to_owned(),
        ));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Refusal::passing(format!("TLS cannot be used here: {error}")))?;
    Ok(config.with_root_certificates(trusted).with_no_client_auth())
}

fn own_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, Refusal> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Refusal::passing(format!(
            "cannot read certificates from `{}` (`ca_file` under [mail]): {error}",
            path.display()
        ))
    };
    let text = std::fs::read(path).map_err(|error| unreadable(&error))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| unreadable(&error))?;
    if found.is_empty() {
        return Err(unreadable(&"there are none in PEM form"));
    }
    Ok(found)
}

fn failure(server: &str, error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let words = match inner {
        Some(TlsError::InvalidCertificate(reason)) => {
            format!("the certificate of {server} {}", objection(reason))
        }
        Some(TlsError::InvalidMessage(_)) => {
            format!("{server} does not speak TLS here: is it the right port?")
        }
        Some(other) => format!("no TLS with {server}: {other}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{server} closed the connection during the TLS handshake")
        }
        None => format!("no TLS with {server}: {error}"),
    };
    one_line(&words, 500)
}

fn objection(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired: it must be renewed".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet: is the clock of this machine right?".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name: name the server as its certificate does".to_owned()
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "is signed by nobody that this machine trusts: set `ca_file` under [mail] to the certificate of who signed it".to_owned()
        }
        CertificateError::Revoked => "has been revoked".to_owned(),
        other => format!("is not accepted: {other}"),
    }
}
