//! The connection to the mail server, step by step, up to whether it accepts the sender.

use chrono::{DateTime, Utc};

use tokio::time::timeout;

use crate::config::{Config, MailSettings, Tls};
use crate::deliver::smtp::{Connection, Refusal, Secured, place, reach, resolve};

use super::certificate::{RENEW, validity};
use super::{Finding, Level, TIMEOUT};

const AREA: &str = "mail";
/// Reports are kept below this.
const LARGEST_REPORT: usize = 250 * 1024;
const NO_REPORT: &str =
    "Until this is fixed, no report can be sent by mail; it is kept and retried.";

pub async fn examine(config: &Config, now: DateTime<Utc>) -> Vec<Finding> {
    let Some(mail) = &config.mail else {
        return vec![without_server(config)];
    };
    let mut findings = vec![summary(mail)];
    findings.extend(nobody(config));
    match timeout(TIMEOUT, steps(mail, now, &mut findings)).await {
        Ok(Ok(())) => {}
        Ok(Err(broken)) => findings.push(broken),
        Err(_) => {
            let what = format!(
                "{} took longer than {} s",
                place(&mail.server),
                TIMEOUT.as_secs()
            );
            let advice = "Check whether the server is busy, or the network is slow.";
            findings.push(Finding::error(AREA, what, NO_REPORT, advice));
        }
    }
    findings
}

/// Each step needs the one before it, so the first failure ends the check.
async fn steps(
    mail: &MailSettings,
    now: DateTime<Utc>,
    findings: &mut Vec<Finding>,
) -> Result<(), Finding> {
    let addresses = resolve(mail).await;
    let addresses = addresses.map_err(|refusal| {
        error(
            refusal,
            "Check the server's name in `smtp_url` under [mail], and this machine's DNS.",
        )
    })?;
    let found: Vec<String> = addresses.iter().map(|one| one.ip().to_string()).collect();
    let what = format!("{} has the address {}", mail.server.host, found.join(", "));
    findings.push(Finding::ok(AREA, what, "The mail server's name resolves."));

    let stream = reach(mail, &addresses).await.map_err(|refusal| {
        error(refusal, "Check the port in `smtp_url`, that the server runs, and that neither a firewall nor the provider blocks it; 587 and 465 are the usual ports.")
    })?;
    findings.push(Finding::ok(
        AREA,
        format!("{} can be reached", place(&mail.server)),
        "A connection can be made.",
    ));

    let mut connection = Connection::greet(mail, stream).await.map_err(|refusal| {
        error(refusal, "Check port and scheme in `smtp_url`: smtp:// for STARTTLS, usually on 587, smtps:// for TLS from the start, usually on 465.")
    })?;
    findings.extend(encryption(mail, connection.secured(), now));
    findings.push(sign_in(mail, &mut connection).await?);
    findings.push(sender(mail, &mut connection).await?);
    findings.push(size(&connection));
    connection.close().await;
    Ok(())
}

fn without_server(config: &Config) -> Finding {
    match &config.outbox {
        Some(outbox) => Finding::ok(
            AREA,
            format!(
                "no mail server is set: reports are written to {}",
                outbox.directory.display()
            ),
            "Open them there. To send reports, set `smtp_url` and `from` under [mail], and `recipients` under [report].",
        ),
        None => Finding::error(
            AREA,
            "neither a mail server nor an outbox is set",
            "Nobody gets a report by mail or as a file.",
            "Set `smtp_url` and `from` under [mail], or `directory` under [outbox].",
        ),
    }
}

fn summary(mail: &MailSettings) -> Finding {
    let tls = match mail.server.tls {
        Tls::Implicit => "TLS from the start",
        Tls::StartTls => "STARTTLS",
        Tls::None => "without TLS, on this machine",
    };
    Finding::ok(
        AREA,
        format!(
            "reports go out over {} ({tls}), from {}",
            place(&mail.server),
            mail.from.address
        ),
        "A mail server is set.",
    )
}

fn nobody(config: &Config) -> Option<Finding> {
    let somebody = !config.report.recipients.is_empty() || config.report.recipients_query.is_some();
    let what = "no recipients are set";
    let means = "Nobody gets a report by mail.";
    let advice = "Set `recipients` or `recipients_sql` under [report].";
    (!somebody).then(|| Finding::warning(AREA, what, means, advice))
}

fn encryption(mail: &MailSettings, secured: Option<&Secured>, now: DateTime<Utc>) -> Vec<Finding> {
    let Some(secured) = secured else {
        let what = "the connection is not encrypted";
        let means = "It does not leave this machine.";
        return vec![Finding::ok(AREA, what, means)];
    };
    let host = &mail.server.host;
    let mut findings = vec![Finding::ok(
        AREA,
        format!("the connection is encrypted with {}", secured.version),
        "Nobody can read reports or the password in transit.",
    )];
    findings.extend(validity(&secured.certificate, now).map(|valid| {
        let until = valid.until;
        let what = format!("the certificate of {host} is trusted, and valid until {until}");
        let expires = "Once it has expired, no report can be sent.";
        match valid.ends_soon {
            true => Finding::warning(AREA, what, expires, RENEW),
            false => Finding::ok(AREA, what, "The server's identity is verified."),
        }
    }));
    findings
}

async fn sign_in(mail: &MailSettings, connection: &mut Connection) -> Result<Finding, Finding> {
    let signed_in = connection.sign_in(&mail.server).await;
    let signed_in = signed_in.map_err(|refusal| {
        error(refusal, "Check user and password (`smtp_url`, DAYBOOK_SMTP_URL or the password file); with Resend the user is `resend` and the password an API key.")
    })?;
    let user = mail.server.user.as_deref().unwrap_or_default();
    Ok(match signed_in {
        Some(way) => Finding::ok(
            AREA,
            format!("signed in as {user} ({way})"),
            "User and password are right.",
        ),
        None => Finding::ok(
            AREA,
            "no user is set; no sign-in",
            "The server must accept mail from this machine without a password.",
        ),
    })
}

async fn sender(mail: &MailSettings, connection: &mut Connection) -> Result<Finding, Finding> {
    let from = &mail.from.address;
    let reply = connection.try_sender(from).await;
    let reply = reply.map_err(|refusal| {
        let level = if refusal.may_pass { Level::Warning } else { Level::Error };
        let what = format!("the server does not accept {from} as sender: {}", refusal.reply);
        Finding::new(level, AREA, what, NO_REPORT, "Set `from` under [mail] to an address that this user may send from, or have the server allow it.")
    })?;
    Ok(Finding::ok(
        AREA,
        format!("{from} may send: {reply}"),
        "The server accepts this sender. Whether it accepts each recipient shows only when a report is sent.",
    ))
}

fn size(connection: &Connection) -> Finding {
    let Some(limit) = connection.size_limit() else {
        let what = "the server states no size limit";
        return Finding::ok(AREA, what, "Reports are far below any usual limit.");
    };
    let what = format!("the server accepts messages of up to {limit} bytes");
    if limit >= LARGEST_REPORT {
        return Finding::ok(AREA, what, "Reports are smaller.");
    }
    let means = format!(
        "A report may have up to {LARGEST_REPORT} bytes; the server refuses one above its limit."
    );
    Finding::warning(AREA, what, means, "Have the limit raised.")
}

fn error(refusal: Refusal, advice: &str) -> Finding {
    Finding::error(AREA, refusal.reply, NO_REPORT, advice)
}
