//! Fifty messages in one conversation, beside one conversation for each, with and without TLS.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use daybook::config::MailSettings;
use daybook::deliver::attempt::Attempt;
use daybook::deliver::smtp::{self, Connection};

use crate::certificates::Authority;
use crate::making;
use crate::sample::Sample;
use crate::smtp_server::{Script, Server};
use crate::table::{self, median};

const MESSAGES: usize = 50;
const ROUNDS: usize = 7;

pub(crate) async fn one_or_many(sample: &Sample) -> Result<()> {
    let message = making::message_of(sample)?;
    let authority = Authority::new();
    let room = tempfile::tempdir()?;
    let ca_file = room.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem())?;
    let plain = Server::start(Script::accepting()).await;
    let identity = authority.identity("localhost");
    let encrypted = Server::start(Script::accepting().starttls(identity)).await;
    let mut rows = Vec::new();
    for (name, server) in [("without TLS", &plain), ("STARTTLS", &encrypted)] {
        let mut mail = server.settings();
        mail.server.ca_file = Some(ca_file.clone());
        let mut times: [Vec<Duration>; 2] = Default::default();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            in_one(&mail, &message).await?;
            times[0].push(begun.elapsed());
            let begun = Instant::now();
            one_each(&mail, &message).await?;
            times[1].push(begun.elapsed());
        }
        let one = median(&times[0]).as_secs_f64();
        let ways = ["one conversation", "one for each message"];
        rows.extend(ways.into_iter().zip(&times).map(|(way, taken)| {
            let middle = median(taken);
            [
                format!("{way}, {name}"),
                table::seconds(middle / u32::try_from(MESSAGES).unwrap_or(1)),
                table::seconds(middle),
                table::spread(taken),
                format!("{:.2}", middle.as_secs_f64() / one),
            ]
        }));
    }
    let heads = [
        "50 messages",
        "each",
        "median",
        "fastest … slowest",
        "this ÷ one conversation",
    ];
    table::print(heads, rows);
    Ok(())
}

async fn in_one(mail: &MailSettings, message: &[u8]) -> Result<()> {
    let mut connection = connect(mail).await?;
    for _ in 0..MESSAGES {
        send(&mut connection, mail, message).await?;
    }
    connection.close().await;
    Ok(())
}

async fn one_each(mail: &MailSettings, message: &[u8]) -> Result<()> {
    for _ in 0..MESSAGES {
        let mut connection = connect(mail).await?;
        send(&mut connection, mail, message).await?;
        connection.close().await;
    }
    Ok(())
}

async fn connect(mail: &MailSettings) -> Result<Connection> {
    match smtp::connect(mail).await {
        Ok(connection) => Ok(connection),
        Err(refusal) => bail!("{}", refusal.reply),
    }
}

async fn send(connection: &mut Connection, mail: &MailSettings, message: &[u8]) -> Result<()> {
    let begun = connection.begin(&mail.from.address, "ada@example.org", message.len());
    if let Err(refusal) = begun.await {
        bail!("{}", refusal.reply);
    }
    match connection.hand_over(message).await {
        Attempt::Accepted { .. } => Ok(()),
        other => bail!("not accepted: {other:?}"),
    }
}
