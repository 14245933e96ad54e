//! Sends one mail to the server: announces it, claims it in the ledger, and hands it over.

use std::time::Duration;

use crate::book::{self, BookError, Channel, Delivery};
use crate::config::{Config, MailSettings, Sender};
use crate::render::mail::Mail;

use super::message::{Head, NO_READER, NO_SENDER, message};
use super::rendered::Rendered;
use super::smtp::{self, Connection};
use super::{Attempt, Compose, Delivering, Refusal, refused};

/// A connection that breaks before it delivered a message is reopened once per round.
const CONNECTIONS_PER_ROUND: u32 = 2;

/// After the signal to stop, most servers answer in this time, and it is shorter than the 10 s before a kill: the doubt is
/// still recorded.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// A connection to the mail server, kept for as many messages as it lasts.
#[derive(Default)]
pub(super) struct MailSession {
    connection: Option<Connection>,
    connected: u32,
    /// Why no connection can be opened in this round.
    away: Option<Refusal>,
}

impl MailSession {
    pub(super) fn begin_round(&mut self) {
        self.connected = 0;
        self.away = None;
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
    }

    /// Announces a message. If a kept connection has ended, the message is announced on a new one: servers close
    /// connections after a number of messages, or after a silence.
    async fn begin(
        &mut self,
        mail: &MailSettings,
        to: &str,
        size: usize,
    ) -> Result<&mut Connection, Refusal> {
        let from = &mail.from.address;
        let was_kept = self.connection.as_ref().is_some_and(Connection::is_open);
        let mut connection = self.open(mail).await?;
        let mut begun = connection.begin(from, to, size).await;
        if begun.is_err() && was_kept && !connection.is_open() {
            connection = self.open(mail).await?;
            begun = connection.begin(from, to, size).await;
        }
        let connection = self.connection.insert(connection);
        begun.map(|()| connection)
    }

    async fn open(&mut self, mail: &MailSettings) -> Result<Connection, Refusal> {
        match self.connection.take().filter(Connection::is_open) {
            Some(kept) => Ok(kept),
            None => self.connect(mail).await,
        }
    }

    async fn connect(&mut self, mail: &MailSettings) -> Result<Connection, Refusal> {
        if let Some(away) = &self.away {
            return Err(away.clone());
        }
        if self.connected == CONNECTIONS_PER_ROUND {
            let reply = "the conversation with the mail server broke twice";
            return Err(Refusal::passing(reply));
        }
        self.connected += 1;
        let connected = smtp::connect(mail).await;
        self.away = connected.as_ref().err().cloned();
        connected
    }
}

/// `None` if another process has the row, or at the signal to stop. The row becomes `sending` only when the server waits
/// for the message.
pub(super) async fn send(
    work: &Delivering<'_>,
    row: &Delivery,
    session: &mut MailSession,
    rendered: &mut Rendered<impl Compose>,
) -> Result<Option<Attempt>, BookError> {
    let Some(settings) = &work.config.mail else {
        return Ok(Some(refused("no mail server is configured any more")));
    };
    let mail = match rendered.mail(row).await? {
        Ok(mail) => mail,
        Err(why) => return Ok(Some(refused(why))),
    };
    let bytes = match as_bytes(work.config, row, mail) {
        Ok(bytes) => bytes,
        Err(refusal) => return Ok(Some(refusal.into())),
    };
    let begun = tokio::select! {
        begun = session.begin(settings, &row.recipient, bytes.len()) => begun,
        () = work.stop.cancelled() => return Ok(None),
    };
    let connection = match begun {
        Ok(connection) => connection,
        Err(refusal) => return Ok(Some(refusal.into())),
    };
    if !book::claim(work.book, row.id, work.at()).await? {
        // The server waits for a message that must not come: only closing the connection ends that.
        session.connection = None;
        return Ok(None);
    }
    let attempt = tokio::select! {
        attempt = connection.hand_over(&bytes) => attempt,
        () = last_moment(work) => Attempt::InDoubt {
            reply: "interrupted before the server had answered the whole message".to_owned(),
        },
    };
    if matches!(attempt, Attempt::Accepted { .. }) {
        session.connected = 0;
    }
    Ok(Some(attempt))
}

/// Ends soon after the signal to stop.
async fn last_moment(work: &Delivering<'_>) {
    work.stop.cancelled().await;
    tokio::time::sleep(LAST_MOMENT).await;
}

/// The message as sent, or as kept in the outbox. Its date is the plan's, so that every attempt is the same message.
pub(super) fn as_bytes(config: &Config, row: &Delivery, mail: &Mail) -> Result<Vec<u8>, Refusal> {
    let nobody = Sender {
        address: NO_SENDER.to_owned(),
        name: None,
    };
    let settings = config.mail.as_ref();
    let reader = match row.channel {
        Channel::Email => row.recipient.as_str(),
        Channel::Outbox | Channel::Webhook | Channel::Ping => NO_READER,
    };
    let by_resend = settings.is_some_and(|mail| mail.server.is_resend());
    let key = row.message_id.trim_matches(['<', '>']);
    let head = Head {
        from: settings.map_or(&nobody, |mail| &mail.from),
        reply_to: settings.and_then(|mail| mail.reply_to.as_ref()),
        to: (reader, row.name.as_deref()),
        message_id: &row.message_id,
        date: row.planned_at,
        app: &config.name,
        unsubscribe: settings.and_then(|mail| mail.unsubscribe.as_ref()),
        idempotency_key: by_resend.then_some(key),
        language: row.locale.language.code(),
    };
    let unbuilt = |why| Refusal::for_good(format!("the message cannot be built: {why}"));
    message(mail, &head).map_err(unbuilt)
}
