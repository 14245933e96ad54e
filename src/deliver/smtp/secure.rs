//! TLS with the mail server: the handshake, and why it failed.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{Error as TlsError, ProtocolVersion};

use crate::config::{MailSettings, SmtpServer};
use crate::deliver::stream::AnyStream;
use crate::text::duration::spoken;
use crate::text::plain::one_line;
use crate::trust;

use super::Refusal;
use super::reach::place;

/// A match of so many letters of a secret is no accident.
const TELLING: usize = 6;

/// The encryption of a connection, for the doctor.
#[derive(Debug, Clone)]
pub struct Secured {
    /// `TLS 1.3`
    pub version: &'static str,
    /// The server's certificate, in DER.
    pub certificate: Vec<u8>,
}

pub(super) async fn handshake(
    mail: &MailSettings,
    stream: AnyStream,
) -> Result<(AnyStream, Secured), Refusal> {
    let server = &mail.server;
    let name = ServerName::try_from(server.host.clone())
        .map_err(|_| Refusal::passing(format!("`{}` can have no certificate", server.host)))?;
    let config = trust::client(server.ca_file.as_deref()).map_err(Refusal::passing)?;
    let connector = TlsConnector::from(Arc::new(config));
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

/// A server may repeat what it got; what it got at sign-in must stay hidden.
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
        .map(|secret| one_line(secret, usize::MAX))
        .filter(|secret| !secret.is_empty())
        .fold(refusal.reply, |reply, secret| masked(&reply, &secret));
    Refusal { reply, ..refusal }
}

/// Hides the secret, also if the reply contains only its beginning: long replies are cut.
fn masked(reply: &str, secret: &str) -> String {
    let begin: String = secret.chars().take(TELLING).collect();
    let mut shown = String::new();
    let mut rest = reply;
    while let Some(at) = rest.find(&begin) {
        let (before, found) = rest.split_at(at);
        let same = found.chars().zip(secret.chars());
        let length = same
            .take_while(|(letter, known)| letter == known)
            .map(|(letter, _)| letter.len_utf8())
            .sum();
        shown.push_str(before);
        shown.push_str("***");
        rest = &found[length..];
    }
    shown + rest
}

fn failure(server: &str, error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let words = match inner {
        Some(TlsError::InvalidCertificate(reason)) => {
            format!(
                "the certificate of {server} {}",
                trust::objection(reason, "ca_file")
            )
        }
        Some(TlsError::InvalidMessage(_)) => {
            format!("{server} does not speak TLS here: is it the right port?")
        }
        Some(other) => format!("no TLS with {server}: {other}"),
        None if trust::hung_up(error) => {
            format!("{server} closed the connection during the TLS handshake")
        }
        None => format!("no TLS with {server}: {error}"),
    };
    one_line(&words, 500)
}
