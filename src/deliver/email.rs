//! One mail on the line to the server: announced, claimed in the ledger, handed over.

use std::time::Duration;

use chrono::NaiveDate;

use crate::book::{self, BookError, Channel, Delivery, Subject};
use crate::config::{Config, MailSettings, Sender};
use crate::render::mail::Mail;

use super::message::{Head, NO_READER, NO_SENDER, message};
use super::rendered::Rendered;
use super::smtp::{self, Connection, Refusal};
use super::{Attempt, Composed, Delivering, refused};

/// A conversation that breaks before it brought out a message is begun anew once in a round.
const CONNECTIONS_PER_ROUND: u32 = 2;

/// Most servers answer sooner, and whoever asks to stop kills after 10 s at the earliest: so the doubt is noted.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// The conversation with the mail server, kept for as many messages as it lasts.
#[derive(Default)]
pub(super) struct Line {
    connection: Option<Connection>,
    connected: u32,
    /// Why no conversation comes about in this round.
    away: Option<Refusal>,
}

impl Line {
    pub(super) fn begin_round(&mut self) {
        self.connected = 0;
        self.away = None;
    }

    pub(super) async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
    }

    /// Announces a message. A kept conversation that is over by now has nothing against the message: servers end
    /// one after so many messages, or after a silence.
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
            return Err(Refusal {
                reply: "the conversation with the mail server broke twice".to_owned(),
                may_pass: true,
            });
        }
        self.connected += 1;
        let connected = smtp::connect(mail).await;
        self.away = connected.as_ref().err().cloned();
        connected
    }
}

/// `None` when the row was not ours to send after all, or somebody asked to stop before it left. The row counts
/// as on its way only from the moment in which the server waits for the message.
pub(super) async fn bring_out<F>(
    work: &Delivering<'_>,
    row: &Delivery,
    line: &mut Line,
    rendered: &mut Rendered<F>,
) -> Result<Option<Attempt>, BookError>
where
    F: AsyncFn(NaiveDate, Subject) -> Result<Composed, BookError>,
{
    let Some(settings) = &work.config.mail else {
        return Ok(Some(refused("no mail server is configured any more")));
    };
    let mail = match rendered.mail(row).await? {
        Ok(mail) => mail,
        Err(why) => return Ok(Some(refused(why))),
    };
    let bytes = match as_bytes(work.config, row, mail) {
        Ok(bytes) => bytes,
        Err(why) => {
            return Ok(Some(Attempt::Refused {
                reply: format!("the message cannot be built: {why}"),
                may_pass: false,
            }));
        }
    };
    let begun = tokio::select! {
        begun = line.begin(settings, &row.recipient, bytes.len()) => begun,
        () = work.stop.cancelled() => return Ok(None),
    };
    let connection = match begun {
        Ok(connection) => connection,
        Err(Refusal { reply, may_pass }) => {
            return Ok(Some(Attempt::Refused { reply, may_pass }));
        }
    };
    if !book::claim(work.book, row.id, work.at()).await? {
        // The server waits for a message that must not come: hanging up is the only way back.
        line.connection = None;
        return Ok(None);
    }
    let attempt = tokio::select! {
        attempt = connection.hand_over(&bytes) => attempt,
        () = last_moment(work) => Attempt::InDoubt {
            reply: "interrupted before the server had answered the whole message".to_owned(),
        },
    };
    if matches!(attempt, Attempt::Accepted { .. }) {
        line.connected = 0;
    }
    Ok(Some(attempt))
}

/// Once somebody has asked to stop, and the server's answer did not come soon after.
async fn last_moment(work: &Delivering<'_>) {
    work.stop.cancelled().await;
    tokio::time::sleep(LAST_MOMENT).await;
}

/// The message as it travels, or as the outbox keeps it. Its date is the plan's, so that every attempt is the
/// same message.
pub(super) fn as_bytes(config: &Config, row: &Delivery, mail: &Mail) -> Result<Vec<u8>, String> {
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
    message(mail, &head)
}
